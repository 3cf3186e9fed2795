// What phones are told by push while nobody looks at them, and what they are not.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';

import { Database } from '../lib/database.js';
import { Fcm } from '../lib/fcm.js';
import { Person } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

let database;
let server;
let fcm;

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
afterEach(hangUp);

/** Asha, and Ravi with a phone that can be pushed to. */
async function people() {
  const [asha, ravi] = [await Person.register(server), await Person.register(server, { fullName: 'Ravi Menon' })];
  return { asha, ravi, phone: await phoneOf(ravi) };
}

async function phoneOf(person) {
  const fcmToken = `phone-${randomUUID()}`;
  await person.api.put('/users/me/device', { fcmToken, platform: 'android' });
  return fcmToken;
}

/** Until everything that was sent before has been dealt with: a later message to another phone has come. */
async function settled(sender, fault) {
  const witness = await Person.register(server);
  const phone = await phoneOf(witness);
  if (fault) fcm.fail(phone, ...fault);
  await sender.write(witness, 'a control');
  await fcm.told(phone);
}

/** Until what failed once has been tried again, which is due after 2 to 2.5 s: the other phone's is after 4 s at least. */
async function retried(sender) {
  await settled(sender, ['QUOTA_EXCEEDED', { times: 1, retryAfter: 4 }]);
}

describe('a message', () => {
  test('reaches the phone of a friend who is offline', async () => {
    const { asha, ravi, phone } = await people();
    const message = await asha.write(ravi, 'Kya haal hai? 🙂');
    const { notification, data, android, apns } = await fcm.told(phone);
    assert.deepEqual(notification, { title: 'Asha Kulkarni', body: 'Kya haal hai? 🙂' });
    const { conversationId } = message;
    assert.deepEqual(data, { type: 'message', messageId: message.id, conversationId, senderId: asha.id });
    assert.equal(android.notification.tag, conversationId);
    assert.equal(apns.payload.aps.badge, 1);
    assert.equal(fcm.sent(phone).length, 1);
  });

  test('reaches every phone, but not those of who sent it', async () => {
    const { asha, ravi, phone } = await people();
    const [own, second] = [await phoneOf(asha), await phoneOf(await ravi.secondPhone())];
    await asha.write(ravi, 'hello');
    await Promise.all([fcm.told(phone), fcm.told(second)]);
    assert.deepEqual(fcm.sent(own), []);
  });

  test('is not pushed to who looks at the conversation', async () => {
    const { asha, ravi, phone } = await people();
    const line = await ravi.line();
    const { conversationId } = await asha.write(ravi, 'before');
    await fcm.told(phone, ({ notification }) => notification.body === 'before');
    await line.must('presence:heartbeat', { conversationId });
    await asha.write(ravi, 'while');
    await settled(asha);
    await line.must('presence:heartbeat', { conversationId: null });
    await asha.write(ravi, 'after');
    await fcm.told(phone, ({ notification }) => notification.body === 'after');
    assert.deepEqual(fcm.sent(phone).map(({ notification }) => notification.body), ['before', 'after']);
  });

  test('that was read before its push went out is not pushed', async () => {
    const { asha, ravi, phone } = await people();
    fcm.fail(phone, 'UNAVAILABLE', { times: 1 });
    const { conversationId, seq } = await asha.write(ravi, 'hello');
    await fcm.wasAsked(phone);
    await ravi.api.post(`/conversations/${conversationId}/read`, { seq });
    await retried(asha);
    assert.deepEqual(fcm.sent(phone), []);
  });

  test('is not pushed once there is a block', async () => {
    const { asha, ravi, phone } = await people();
    fcm.fail(phone, 'UNAVAILABLE', { times: 1 });
    await asha.write(ravi, 'hello');
    await fcm.wasAsked(phone);
    await ravi.api.post('/safety/blocks', { userId: asha.id });
    await retried(asha);
    assert.deepEqual(fcm.sent(phone), []);
  });

  test('is not pushed to a phone that signed out', async () => {
    const { asha, ravi, phone } = await people();
    await ravi.api.post('/auth/logout', {});
    await asha.write(ravi, 'hello');
    await settled(asha);
    assert.deepEqual(fcm.sent(phone), []);
  });
});

describe('when FCM', () => {
  test('knows a phone no more, it is forgotten', async () => {
    const { asha, ravi, phone } = await people();
    fcm.fail(phone, 'UNREGISTERED');
    await asha.write(ravi, 'one');
    await fcm.wasAsked(phone);
    await settled(asha);
    await asha.write(ravi, 'two');
    await settled(asha);
    assert.equal(fcm.asked.filter((entry) => entry.token === phone).length, 1);
    const again = await phoneOf(ravi);
    await asha.write(ravi, 'three');
    await fcm.told(again);
  });

  test('throttles, the push comes later and not before it said', async () => {
    const { asha, ravi, phone } = await people();
    fcm.fail(phone, 'QUOTA_EXCEEDED', { times: 1, retryAfter: 4 });
    await asha.write(ravi, 'hello');
    await fcm.wasAsked(phone);
    const asked = Date.now();
    await fcm.told(phone);
    assert.ok(Date.now() - asked >= 3500, `${Date.now() - asked} ms`);
  });

  test('stalls for one, others are told', async () => {
    const { asha, ravi, phone } = await people();
    fcm.fail(phone, 'STALL', { times: 1 });
    await asha.write(ravi, 'hello');
    await fcm.wasAsked(phone);
    const started = Date.now();
    await settled(asha);
    assert.ok(Date.now() - started < 5000, 'at once');
    await fcm.told(phone); // given up after 10 s, and tried again
  });
});
