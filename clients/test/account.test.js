// What people decide about their account: who may reach them, what they take with them, and that it ends.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';

import { Api, bare, refused } from '../lib/api.js';
import { Database } from '../lib/database.js';
import { Emulator } from '../lib/emulator.js';
import { Fcm } from '../lib/fcm.js';
import { Person, acquaintances, befriend, friends, randomPhone, registration } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

afterEach(hangUp);

/** The hours around now, and those around midday from now, on India's clocks. */
function hours(from, to) {
  const clock = (hour) => new Date(Date.now() + (330 + hour * 60) * 60_000).toISOString().slice(11, 16);
  return { from: clock(from), to: clock(to) };
}

describe('settings', () => {
  let database;
  let fcm;
  let server;

  before(async () => {
    fcm = await Fcm.start();
    database = Database.create();
    server = await Server.start({ ...fcm.env, ...database.env });
  });
  after(async () => {
    await server?.stop();
    await fcm?.stop();
    database?.drop();
  });

  test('decide who may write', async () => {
    const { asha, ravi } = await acquaintances(server);
    const stranger = await Person.register(server);
    const write = (person) => bare(server, person.token).post('/messages', { receiverId: asha.id, content: 'hello' });
    for (const [messages, strangers, friendly] of [['friends', false, true], ['nobody', false, false], ['everyone', true, true]]) {
      const { settings } = await asha.api.put('/users/me/settings', { messages });
      assert.equal(settings.messages, messages);
      if (messages === 'friends') await befriend(ravi, asha);
      for (const [person, may] of [[stranger, strangers], [ravi, friendly]]) {
        const seen = await person.api.get(`/users/${asha.id}`);
        assert.equal(seen.user.canMessage, may, messages);
        if (may) assert.equal((await write(person)).status, 201);
        else await refused(409, 'MESSAGES_NOT_ACCEPTED', write(person));
      }
    }
  });

  test('who is written to may be answered by whom they wrote to', async () => {
    const { asha, ravi } = await acquaintances(server);
    await asha.api.put('/users/me/settings', { messages: 'nobody' });
    await asha.write(ravi, 'and you?');
    await ravi.write(asha, 'well');
    await refused(409, 'MESSAGES_NOT_ACCEPTED', bare(server, ravi.token).post('/messages', { receiverId: asha.id, content: 'and?' }));
  });

  test('keep a phone quiet for some hours, and tell it of messages or not', async () => {
    const { asha, ravi } = await friends(server);
    const token = randomUUID();
    await ravi.api.put('/users/me/device', { fcmToken: token, platform: 'android' });
    const say = async (words, settings) => {
      await ravi.api.put('/users/me/settings', settings);
      await asha.write(ravi, words);
      // What is said to another phone later comes out later.
      const witness = await Person.register(server);
      const phone = randomUUID();
      await witness.api.put('/users/me/device', { fcmToken: phone, platform: 'android' });
      await asha.write(witness, 'a control');
      await fcm.told(phone);
    };
    await say('quiet', { quietHours: hours(-1, 1) });
    await say('loud', { quietHours: hours(6, 8) });
    await say('off', { push: { messages: false } });
    await say('on', { push: { messages: true }, quietHours: null });
    assert.deepEqual(fcm.sent(token).map(({ notification }) => notification.body), ['loud', 'on']);
    assert.equal((await ravi.api.get('/messages/unread-count')).unreadCount, 5, 'all of it is there');
  });
});

test('the export is one JSON document of all there is', async () => {
  const server = await Server.start();
  try {
    const { asha, ravi } = await friends(server);
    await asha.write(ravi, 'a "quoted" word 🙂');
    await asha.api.put('/users/me/location', { latitude: 19.07, longitude: 72.87 });
    const answer = await bare(server, asha.token).get('/users/me/export', { responseType: 'text', transformResponse: (text) => text });
    assert.match(answer.headers['content-disposition'], /^attachment; filename="banter-export-\d{4}-\d\d-\d\d\.json"$/);
    const document = JSON.parse(answer.data);
    assert.deepEqual([document.success, document.account.id, document.account.phoneNumber], [true, asha.id, asha.identity.phone]);
    assert.deepEqual(document.messages.map((message) => message.content), ['Namaste', 'a "quoted" word 🙂']);
    assert.deepEqual(document.friends.map((friend) => friend.userId), [ravi.id]);
    assert.deepEqual([document.location.latitude, document.location.longitude], [19.07, 72.87]);
    assert.ok(!answer.data.includes(ravi.identity.phone) && !answer.data.includes('Namaste ji'), 'nothing that is his alone');
  } finally {
    await server.stop();
  }
});

describe('the end of an account', () => {
  const PROJECT = 'demo-banter-end';
  let emulator;
  let server;

  before(async () => {
    emulator = await Emulator.start(PROJECT);
    server = await Server.start({ FIREBASE_PROJECT_ID: PROJECT, FIREBASE_AUTH_EMULATOR_HOST: emulator.host });
  });
  after(async () => {
    await server?.stop();
    await emulator?.stop();
  });

  async function signUp(changes = {}) {
    const phone = randomPhone();
    const { idToken, localId } = await emulator.signInByPhone(phone);
    const api = new Api(server.url);
    const answer = await api.post('/auth/register', registration(idToken, changes));
    await api.store.setTokens(answer.accessToken, answer.refreshToken);
    return new Person(server, { uid: localId, phone }, api, answer.user);
  }

  test('is for good: sockets close, others see nobody, and the number begins anew', async () => {
    const [asha, ravi] = [await signUp(), await signUp({ fullName: 'Ravi Menon' })];
    await befriend(asha, ravi);
    const { conversationId } = await asha.write(ravi, 'Namaste');
    const [ashas, ravis] = [await asha.line(), await ravi.line()];
    const end = (firebaseToken) => bare(server, asha.token).delete('/users/me', { data: { firebaseToken } });
    const { idToken: his } = await emulator.signInByPhone(ravi.identity.phone);
    await refused(401, 'FIREBASE_TOKEN_MISMATCH', end(his));

    const { idToken } = await emulator.signInByPhone(asha.identity.phone);
    assert.equal((await end(idToken)).status, 200);
    await ashas.isRevoked();
    assert.deepEqual(await ravis.once('friend:removed'), { userId: asha.id });
    await refused(403, 'SESSION_REVOKED', bare(server, asha.token).get('/auth/me'));

    const { conversation } = await ravi.api.get(`/conversations/${conversationId}`);
    assert.deepEqual([conversation.peer.fullName, conversation.peer.username ?? null, conversation.peer.avatar ?? null], ['Deleted account', null, null]);
    const ask = bare(server, ravi.token);
    await refused(404, 'USER_NOT_FOUND', ask.get(`/users/${asha.id}`));
    await refused(404, 'CONVERSATION_NOT_FOUND', ask.post('/messages', { conversationId, content: 'hello?' }));
    assert.deepEqual((await ravi.api.get('/users/search', { q: asha.user.username })).people, []);
    assert.deepEqual((await ravi.api.get('/friends')).friends, []);

    const again = await emulator.signInByPhone(asha.identity.phone);
    const api = new Api(server.url);
    assert.equal((await api.post('/auth/verify-firebase', { firebaseToken: again.idToken })).isNewUser, true);
    const anew = await api.post('/auth/register', registration(again.idToken, { username: asha.user.username }));
    assert.notEqual(anew.user.id, asha.id);
    await api.store.setTokens(anew.accessToken, anew.refreshToken);
    assert.deepEqual((await api.get('/conversations')).conversations, []);
  });
});
