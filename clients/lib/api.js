// The mobile app's REST client, behaviour for behaviour (requirements, tasks 2.8 and 2.9): a bearer header on every
// request; on a 403 one refresh and one retry; a failed refresh signs the app out. One instance is one phone.

import assert from 'node:assert/strict';

import axios from 'axios';

/** The app's auth store: two tokens, kept over restarts of the app but not over a logout. */
export class AuthStore {
  accessToken = null;
  refreshToken = null;
  isAuthenticated = false;

  async setTokens(accessToken, refreshToken) {
    Object.assign(this, { accessToken, refreshToken, isAuthenticated: true });
  }

  async logout() {
    Object.assign(this, { accessToken: null, refreshToken: null, isAuthenticated: false });
  }
}

export class Api {
  /** How often the interceptor refreshed. */
  refreshes = 0;

  constructor(url, store = new AuthStore()) {
    this.url = url;
    this.store = store;
    this.http = axios.create({
      baseURL: `${url}/api`,
      timeout: 10_000,
      headers: { 'Content-Type': 'application/json' },
    });
    this.http.interceptors.request.use((config) => {
      const token = this.store.accessToken;
      if (token) {
        config.headers.Authorization = `Bearer ${token}`;
      }
      return config;
    });
    this.http.interceptors.response.use(
      (response) => response,
      async (error) => {
        const originalRequest = error.config;
        if (error.response?.status === 403 && !originalRequest._retry) {
          originalRequest._retry = true;
          try {
            await this.refresh();
            originalRequest.headers.Authorization = `Bearer ${this.store.accessToken}`;
            return this.http(originalRequest);
          } catch (refreshError) {
            this.store.logout();
            return Promise.reject(refreshError);
          }
        }
        return Promise.reject(error);
      },
    );
  }

  /** The app keeps its refresh token and stores only the new access token. */
  async refresh() {
    const { refreshToken } = this.store;
    const response = await axios.post(`${this.url}/api/auth/refresh`, { refreshToken });
    await this.store.setTokens(response.data.accessToken, refreshToken);
    this.refreshes += 1;
  }

  async get(path, params) {
    return (await this.http.get(path, { params })).data;
  }

  async post(path, body) {
    return (await this.http.post(path, body)).data;
  }

  async patch(path, body) {
    return (await this.http.patch(path, body)).data;
  }

  async put(path, body) {
    return (await this.http.put(path, body)).data;
  }

  async delete(path) {
    return (await this.http.delete(path)).data;
  }
}

/** Requests without an interceptor, to see refusals as they are. */
export function bare(server, token) {
  return axios.create({
    baseURL: `${server.url}/api`,
    timeout: 10_000,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
}

/** Insists that a request is refused like this; the body of the refusal. */
export async function refused(status, code, request) {
  const error = await request.then(
    (response) => assert.fail(`${code} was expected, and it was allowed: ${JSON.stringify(response.data ?? response)}`),
    (error) => error,
  );
  if (!error.response) throw error;
  const { data } = error.response;
  assert.equal(`${error.response.status} ${data.code}`, `${status} ${code}`);
  assert.equal(data.success, false);
  assert.ok(data.message && data.requestId, 'a refusal explains itself and can be found in the logs');
  return data;
}
