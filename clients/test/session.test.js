// Sessions: the app's interceptor keeps one alive; a logout ends it everywhere at once.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { bare, refused } from '../lib/api.js';
import { Person } from '../lib/people.js';
import { Server, WITHOUT_REDIS } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';
import { eventually, expired } from '../lib/wait.js';

/** Within this, a session that was ended is over on every replica. */
const REVOKED = 5000;

afterEach(hangUp);

describe('access tokens that live two seconds', () => {
  let server;

  before(async () => {
    server = await Server.start({ JWT_EXPIRES_IN: '2s' });
  });
  after(() => server?.stop());

  test('after expiry the interceptor refreshes and the caller sees success', async () => {
    const { api, id, token } = await Person.register(server);
    await expired(token);
    await refused(403, 'TOKEN_EXPIRED', bare(server, token).get('/auth/me'));

    const { user } = await api.get('/auth/me');
    assert.equal(user.id, id);
    assert.equal(api.refreshes, 1);
    assert.notEqual(api.store.accessToken, token);
  });

  test('a write after expiry is made once', async () => {
    const [asha, ravi] = [await Person.register(server), await Person.register(server)];
    await expired(asha.token);
    const message = await asha.write(ravi, 'after a nap');
    assert.equal(message.seq, 1);
    assert.equal((await asha.missed(message.conversationId, 0)).length, 1);
  });

  test('many calls at once after expiry all succeed', async () => {
    const { api, id, token } = await Person.register(server);
    await expired(token);
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.get('/auth/me')));
    assert.ok(answers.every((answer) => answer.user.id === id));
  });

  test('when the refresh token is no good either, the app is signed out', async () => {
    const { api, token } = await Person.register(server);
    await api.store.setTokens(token, 'not a refresh token');
    await expired(token);
    await refused(401, 'REFRESH_TOKEN_INVALID', api.get('/auth/me'));
    assert.equal(api.store.isAuthenticated, false);
    await refused(401, 'TOKEN_REQUIRED', api.get('/auth/me'));
  });

  test('an expired token opens no socket; a refreshed one does', async () => {
    const person = await Person.register(server);
    await expired(person.token);
    await assert.rejects(person.line(), { message: 'TOKEN_EXPIRED' });
    await person.api.refresh();
    await person.line();
  });
});

describe('ending a session', () => {
  let server;

  before(async () => {
    server = await Server.start();
  });
  after(() => server?.stop());

  test('a socket takes a new token of the same person, and nothing else', async () => {
    const [asha, ravi] = [await Person.register(server), await Person.register(server)];
    const line = await asha.line();
    await line.mustNot('auth:refresh', { token: 'nonsense' }, 'TOKEN_INVALID');
    await line.mustNot('auth:refresh', { token: ravi.token }, 'TOKEN_INVALID');
    await line.mustNot('auth:refresh', { token: asha.api.store.refreshToken }, 'TOKEN_INVALID');
    await line.mustNot('auth:refresh', {}, 'VALIDATION_FAILED');
    await asha.api.refresh();
    await line.must('auth:refresh', { token: asha.token });
  });

  test('logout ends REST at once, and the open socket', async () => {
    const person = await Person.register(server);
    const line = await person.line();
    const { refreshToken } = person.api.store;

    const answer = await person.api.post('/auth/logout');
    assert.deepEqual(Object.keys(answer).sort(), ['message', 'success']);
    await refused(403, 'SESSION_REVOKED', bare(server, person.token).get('/auth/me'));
    await refused(401, 'REFRESH_TOKEN_INVALID', bare(server).post('/auth/refresh', { refreshToken }));
    await line.isRevoked();
    await assert.rejects(person.line(), { message: 'SESSION_REVOKED' });
  });

  test('the other phone stays signed in', async () => {
    const phone = await Person.register(server);
    const tablet = await phone.secondPhone();
    const line = await tablet.line();
    await phone.api.post('/auth/logout');
    await line.must('presence:heartbeat', {});
    assert.equal((await tablet.api.get('/auth/me')).user.id, phone.id);
  });

  test('one phone ends the other’s session, or all others', async () => {
    const phone = await Person.register(server);
    const [lost, tablet, laptop] = [await phone.secondPhone(), await phone.secondPhone(), await phone.secondPhone()];
    const [lostLine, tabletLine, ownLine] = [await lost.line(), await tablet.line(), await phone.line()];

    const { sessions, nextCursor } = await lost.api.get('/auth/sessions');
    assert.equal(nextCursor, null);
    assert.equal(sessions.length, 4);
    const current = sessions.filter((session) => session.current);
    assert.equal(current.length, 1);
    for (const field of ['id', 'userAgent', 'platform', 'createdAt', 'lastUsedAt']) assert.ok(field in current[0], field);

    await phone.api.delete(`/auth/sessions/${current[0].id}`);
    await lostLine.isRevoked();
    await refused(403, 'SESSION_REVOKED', bare(server, lost.token).get('/auth/me'));
    await refused(404, 'SESSION_NOT_FOUND', bare(server, phone.token).delete(`/auth/sessions/${current[0].id}`));

    assert.equal((await phone.api.delete('/auth/sessions')).ended, 2);
    await tabletLine.isRevoked();
    await refused(403, 'SESSION_REVOKED', bare(server, laptop.token).get('/auth/me'));
    await ownLine.must('presence:heartbeat', {});
    assert.equal((await phone.api.get('/auth/sessions')).sessions.length, 1);
  });

  test('somebody else’s session is not there to be ended', async () => {
    const [asha, ravi] = [await Person.register(server), await Person.register(server)];
    const [{ id }] = (await asha.api.get('/auth/sessions')).sessions;
    await refused(404, 'SESSION_NOT_FOUND', bare(server, ravi.token).delete(`/auth/sessions/${id}`));
    assert.equal((await asha.api.get('/auth/me')).user.id, asha.id);
  });

  test('a refresh token that was rotated away ends the session when it comes again', async () => {
    const person = await Person.register(server);
    const line = await person.line();
    const old = person.api.store.refreshToken;
    const refresh = (refreshToken, rotate) => bare(server).post('/auth/refresh', { refreshToken, rotate });

    const plain = (await refresh(old, false)).data;
    assert.ok(plain.accessToken);
    assert.equal('refreshToken' in plain, false, 'without rotate the refresh token stays');

    const rotated = (await refresh(old, true)).data;
    assert.ok(rotated.accessToken && rotated.refreshToken);
    assert.notEqual(rotated.refreshToken, old);
    assert.ok((await refresh(rotated.refreshToken, false)).data.accessToken);

    await refused(401, 'REFRESH_TOKEN_REUSED', refresh(old, false));
    await refused(401, 'REFRESH_TOKEN_INVALID', refresh(rotated.refreshToken, false));
    await refused(403, 'SESSION_REVOKED', bare(server, rotated.accessToken).get('/auth/me'));
    await line.isRevoked();
  });
});

for (const [how, settings] of [['Redis carries the news', {}], ['without Redis, by asking the database', WITHOUT_REDIS]]) {
  describe(`two replicas: ${how}`, () => {
    let servers;

    before(async () => {
      servers = await Promise.all([1, 2].map(() => Server.start(settings)));
    });
    after(() => Promise.all(servers?.map((server) => server.stop()) ?? []));

    test('a logout on one reaches sockets and REST of the other within five seconds', async () => {
      const here = await Person.register(servers[0]);
      const there = here.at(servers[1]);
      const line = await here.line();
      assert.equal((await there.api.get('/auth/me')).user.id, here.id);
      const bystander = await (await here.secondPhone()).line();

      const { token } = here;
      await there.api.post('/auth/logout');
      const ended = Date.now();
      await refused(403, 'SESSION_REVOKED', bare(servers[1], token).get('/auth/me'));
      await eventually(REVOKED, 'the first replica refuses the token', async () => {
        const answer = await bare(servers[0], token).get('/auth/me', { validateStatus: null });
        return answer.status === 403 && answer.data.code === 'SESSION_REVOKED';
      });
      await line.isRevoked();
      assert.ok(Date.now() - ended < REVOKED, 'within five seconds altogether');
      await bystander.must('presence:heartbeat', {});
    });
  });
}
