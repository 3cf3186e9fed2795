// People: a phone number, what Firebase would say about it, and the app on one phone or more.

import { randomBytes, randomInt } from 'node:crypto';

import { Api } from './api.js';
import { Line } from './socket.js';

const PROJECT = process.env.FIREBASE_PROJECT_ID || 'banter-dev';

/** An Indian mobile number that no other test has. */
export function randomPhone() {
  return `+91${randomInt(6, 10)}${String(randomInt(0, 1_000_000_000)).padStart(9, '0')}`;
}

/** Three to twenty letters and digits that no other test has. */
export function randomUsername() {
  return `t${randomBytes(6).toString('hex')}`;
}

/** An ID token in the form of Firebase's Auth emulator: unsigned. `changes` replace claims, undefined drops one. */
export function firebaseToken(uid, phoneNumber, changes = {}) {
  const project = changes.aud ?? PROJECT;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: `https://securetoken.google.com/${project}`,
    aud: project,
    sub: uid,
    user_id: uid,
    auth_time: now,
    iat: now,
    exp: now + 3600,
    phone_number: phoneNumber,
    firebase: { identities: { phone: [phoneNumber] }, sign_in_provider: 'phone' },
    ...changes,
  };
  const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
}

/** What the registration screen asks for. */
export function registration(token, changes = {}) {
  return {
    firebaseToken: token,
    fullName: 'Asha Kulkarni',
    username: randomUsername(),
    dateOfBirth: '1998-04-23',
    gender: 'female',
    ...changes,
  };
}

/** One person on one phone, signed in to one server. */
export class Person {
  constructor(server, identity, api, user) {
    Object.assign(this, { server, identity, api, user });
  }

  /** Somebody new. */
  static async register(server, changes = {}) {
    const phone = randomPhone();
    const identity = { uid: randomBytes(14).toString('hex'), phone };
    const api = new Api(server.url);
    const body = registration(firebaseToken(identity.uid, phone), changes);
    const answer = await api.post('/auth/register', body);
    await api.store.setTokens(answer.accessToken, answer.refreshToken);
    return new Person(server, identity, api, answer.user);
  }

  /** Whoever has this access token, and no way to sign in. */
  static async holding(token, server) {
    const api = new Api(server.url);
    await api.store.setTokens(token, null);
    const { user } = await api.get('/auth/me');
    return new Person(server, null, api, user);
  }

  get id() {
    return this.user.id;
  }

  get token() {
    return this.api.store.accessToken;
  }

  /** The same person on a second phone: a login of its own. */
  async secondPhone(server = this.server) {
    const api = new Api(server.url);
    const token = firebaseToken(this.identity.uid, this.identity.phone);
    const answer = await api.post('/auth/verify-firebase', { firebaseToken: token });
    await api.store.setTokens(answer.accessToken, answer.refreshToken);
    return new Person(server, this.identity, api, answer.user);
  }

  /** The same phone, sent to another replica by the load balancer: the same login. */
  at(server) {
    return new Person(server, this.identity, new Api(server.url, this.api.store), this.user);
  }

  /** A socket, connected. It offers the store's newest token each time it connects, as the app's does. */
  async line(options = {}) {
    return Line.open(options.url ?? this.server.url, () => ({ token: this.token }), options);
  }

  /** Sends over REST; the stored message. */
  async write(receiver, content, changes = {}) {
    const body = { receiverId: receiver.id, content, messageType: 'text', ...changes };
    return (await this.api.post('/messages', body)).message;
  }

  /** Everything after `seq` in a conversation, oldest first, asked for page by page. */
  async missed(conversationId, seq, limit = 100) {
    const all = [];
    for (let after = seq; ; after = all.at(-1).seq) {
      const page = await this.api.get(`/conversations/${conversationId}/messages`, { afterSeq: after, limit });
      all.push(...page.messages);
      if (!page.hasMore) return all;
    }
  }
}

/** Two people who have written to each other, and their conversation. */
export async function acquaintances(server) {
  const [asha, ravi] = await Promise.all([
    Person.register(server),
    Person.register(server, { fullName: 'Ravi Menon', gender: 'male' }),
  ]);
  const { conversationId } = await asha.write(ravi, 'Namaste');
  await ravi.write(asha, 'Namaste ji');
  return { asha, ravi, conversationId };
}

/** Acquaintances who are friends as well: one asked, the other accepted. */
export async function friends(server) {
  const { asha, ravi, conversationId } = await acquaintances(server);
  await befriend(asha, ravi);
  return { asha, ravi, conversationId };
}

/** One asks, the other accepts. */
export async function befriend(one, other) {
  const { request } = await one.api.post('/friends/requests', { receiverId: other.id });
  await other.api.post(`/friends/requests/${request.id}/accept`, {});
}
