// Firebase Cloud Messaging and Google's token endpoint, as strict as they document it: the assertion's signature and
// claims, the bearer token, the shape of the message. Remembers what it took, and fails as it is told.

import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { eventually } from './wait.js';

const PROJECT = process.env.FIREBASE_PROJECT_ID || 'banter-dev';
const EMAIL = `pusher@${PROJECT}.iam.gserviceaccount.com`;
const KEY_ID = 'key-1-of-the-account';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** A request that stalls is given up after 10 s, and made again 2.5 s later. */
const DEADLINE = 30_000;

/** FCM's own failures: status, name, message. */
const FAULTS = {
  UNREGISTERED: [404, 'NOT_FOUND', 'Requested entity was not found.'],
  SENDER_ID_MISMATCH: [403, 'PERMISSION_DENIED', 'SenderId mismatch'],
  INVALID_ARGUMENT: [400, 'INVALID_ARGUMENT', 'The registration token is not a valid FCM registration token'],
  THIRD_PARTY_AUTH_ERROR: [401, 'UNAUTHENTICATED', 'Request is missing required authentication credential.'],
  QUOTA_EXCEEDED: [429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.'],
  UNAVAILABLE: [503, 'UNAVAILABLE', 'The service is currently unavailable.'],
  INTERNAL: [500, 'INTERNAL', 'Internal error encountered.'],
};

export class Fcm {
  /** What was asked for each phone, with what came of it: `{token, message, outcome}`. */
  asked = [];
  #refused = [];
  #tokens = new Map();
  #faults = new Map();
  #stalled = new Set();
  #keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

  static async start() {
    const fcm = new Fcm();
    fcm.http = createServer((request, response) => fcm.#serve(request, response));
    fcm.http.listen(0, '127.0.0.1');
    await once(fcm.http, 'listening');
    fcm.url = `http://127.0.0.1:${fcm.http.address().port}`;
    return fcm;
  }

  /** What a server needs to push here. */
  get env() {
    return {
      FCM_API_URL: this.url,
      GOOGLE_TOKEN_URL: `${this.url}/token`,
      FIREBASE_CLIENT_EMAIL: EMAIL,
      // In one line, as a file of variables has it.
      FIREBASE_PRIVATE_KEY: this.#keys.privateKey.replaceAll('\n', '\\n'),
      FIREBASE_PRIVATE_KEY_ID: KEY_ID,
    };
  }

  /** For this phone: one of FCM's codes, or `STALL`; `times` of them, then all is well. */
  fail(token, code, { times = Infinity, retryAfter } = {}) {
    this.#faults.set(token, { code, times, retryAfter });
  }

  /** What was taken for this phone. */
  sent(token) {
    return this.asked.filter((entry) => entry.token === token && entry.outcome === 'sent').map((entry) => entry.message);
  }

  /** The first that was taken for this phone, waited for. */
  async told(token, suits = () => true) {
    return eventually(DEADLINE, `a push to ${token}`, () => this.sent(token).find(suits));
  }

  /** Waits until it was asked to push to this phone so often. */
  async wasAsked(token, times = 1) {
    await eventually(DEADLINE, `${times} requests for ${token}`, () => this.asked.filter((e) => e.token === token).length >= times);
  }

  async stop() {
    for (const response of this.#stalled) response.destroy();
    this.http.closeAllConnections();
    this.http.close();
    assert.deepEqual(this.#refused, [], 'Google would refuse this');
  }

  async #serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const answer = (status, json, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
      response.end(JSON.stringify(json));
    };
    if (request.method === 'POST' && request.url === '/token') return this.#grant(request, body, answer);
    const refuse = (status, name, why) => {
      this.#refused.push(why);
      answer(status, failure(status, name, why));
    };
    if (request.method !== 'POST' || request.url !== `/v1/projects/${PROJECT}/messages:send`) {
      return refuse(404, 'NOT_FOUND', `there is nothing at ${request.method} ${request.url}`);
    }
    const end = this.#tokens.get(request.headers.authorization?.replace(/^Bearer /, ''));
    if (!(end > Date.now())) return refuse(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    let message;
    try {
      const parsed = JSON.parse(body);
      known(parsed, 'body', ['validate_only', 'message']);
      message = parsed.message;
      check(message);
    } catch (error) {
      return refuse(400, 'INVALID_ARGUMENT', error.message);
    }
    const entry = { token: message.token, message, outcome: 'sent' };
    const fault = this.#faults.get(message.token);
    if (fault && fault.times > 0) {
      fault.times -= 1;
      entry.outcome = fault.code;
      this.asked.push(entry);
      if (fault.code === 'STALL') return this.#stalled.add(response);
      const [status, name, why] = FAULTS[fault.code];
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      return answer(status, failure(status, name, why, fault.code), headers);
    }
    this.asked.push(entry);
    answer(200, { name: `projects/${PROJECT}/messages/0:${this.asked.length}` });
  }

  #grant(request, body, answer) {
    try {
      assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded');
      const form = new URLSearchParams(body);
      assert.equal(form.get('grant_type'), GRANT);
      const parts = form.get('assertion').split('.');
      const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
      assert.deepEqual(header, { alg: 'RS256', typ: 'JWT', kid: KEY_ID });
      const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
      assert.ok(verify('RSA-SHA256', signed, this.#keys.publicKey, Buffer.from(parts[2], 'base64url')), 'Invalid JWT Signature.');
      const { iss, aud, scope, iat, exp } = claims;
      assert.deepEqual({ iss, aud, scope }, { iss: EMAIL, aud: `${this.url}/token`, scope: SCOPE });
      const now = Date.now() / 1000;
      assert.ok(iat <= now + 60 && exp > now && exp - iat <= 3600, 'iat or exp');
    } catch (error) {
      this.#refused.push(error.message);
      return answer(400, { error: 'invalid_grant', error_description: error.message });
    }
    const token = `ya29.${this.#tokens.size}`;
    this.#tokens.set(token, Date.now() + 3_599_000);
    answer(200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  }
}

function failure(code, status, message, errorCode) {
  const type = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
  return { error: { code, message, status, ...(errorCode && { details: [{ '@type': type, errorCode }] }) } };
}

function known(object, name, keys) {
  assert.ok(object && typeof object === 'object' && !Array.isArray(object), `${name}: not an object`);
  for (const key of Object.keys(object)) assert.ok(keys.includes(key), `${name}: Unknown name "${key}"`);
}

function text(object, name) {
  if (name in object) assert.ok(typeof object[name] === 'string' && object[name], `${name}: not a text, or empty`);
}

/** What `messages:send` takes. */
function check(message) {
  known(message, 'message', ['token', 'topic', 'condition', 'notification', 'data', 'android', 'apns', 'fcm_options']);
  assert.equal(['token', 'topic', 'condition'].filter((target) => target in message).length, 1, 'one target');
  assert.ok(Buffer.byteLength(JSON.stringify(message)) <= 4096, 'over 4096 bytes');
  const { notification = {}, data = {}, android = {}, apns = {} } = message;
  known(notification, 'notification', ['title', 'body', 'image']);
  text(notification, 'title');
  text(notification, 'body');
  for (const [name, value] of Object.entries(data)) {
    assert.equal(typeof value, 'string', `data.${name}: not a string`);
    assert.ok(!/^(from|message_type|google.*|gcm.*|)$/.test(name), `data.${name}: reserved`);
  }
  known(android, 'android', ['collapse_key', 'priority', 'ttl', 'restricted_package_name', 'data', 'notification', 'direct_boot_ok']);
  if ('priority' in android) assert.match(android.priority, /^(HIGH|NORMAL)$/);
  if ('ttl' in android) {
    assert.match(android.ttl, /^\d+(\.\d+)?s$/);
    assert.ok(parseFloat(android.ttl) <= 2_419_200, 'android.ttl');
  }
  known(apns, 'apns', ['headers', 'payload', 'fcm_options', 'live_activity_token']);
  const { headers = {}, payload = {} } = apns;
  known(headers, 'apns.headers', ['apns-priority', 'apns-push-type', 'apns-expiration', 'apns-collapse-id', 'apns-topic', 'apns-id']);
  for (const name of Object.keys(headers)) text(headers, name);
  if ('apns-priority' in headers) assert.match(headers['apns-priority'], /^(1|5|10)$/);
  if ('apns-expiration' in headers) assert.match(headers['apns-expiration'], /^\d+$/);
  if ('apns-collapse-id' in headers) assert.ok(Buffer.byteLength(headers['apns-collapse-id']) <= 64, 'apns-collapse-id');
  const { badge = 0 } = payload.aps ?? {};
  assert.ok(Number.isInteger(badge) && badge >= 0, 'aps.badge');
  // What is shown is an alert; what is not says nothing of how it would be.
  if ('notification' in message) {
    assert.equal(headers['apns-push-type'] ?? 'alert', 'alert', 'apns-push-type of what is shown');
  } else {
    assert.ok(!('notification' in android), 'android.notification of what is not shown');
    if ('apns' in message) {
      assert.equal(headers['apns-push-type'], 'background', 'apns-push-type of what is not shown');
      assert.equal(headers['apns-priority'], '5', 'apns-priority of what is not shown');
      assert.deepEqual(payload.aps, { 'content-available': 1 }, 'aps of what is not shown');
    }
  }
}
