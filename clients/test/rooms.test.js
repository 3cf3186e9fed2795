// Voice rooms in browsers: who is heard is what the host decides, and the media server is where it is enforced.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { bare } from '../lib/api.js';
import { Browser } from '../lib/browser.js';
import { banter } from '../lib/cli.js';
import { identity } from '../lib/livekit.js';
import { Person } from '../lib/people.js';
import { hangUp } from '../lib/socket.js';
import { Voice, isSentOut, join } from '../lib/voice.js';
import { claims, eventually } from '../lib/wait.js';

/** LiveKit sends a renewed token at the door, and whenever somebody may do something else. */
const RENEWED = 10_000;

let voice;
let browser;

before(async () => {
  [voice, browser] = await Promise.all([Voice.start({ relay: true }), Browser.start()]);
});
after(async () => {
  hangUp();
  await browser?.stop();
  await voice?.stop();
});

/** A room of three, all of them in it with a phone: Asha hosts and speaks, Ravi and Meera listen. */
async function roomOfThree() {
  const [asha, ravi, meera] = await Promise.all([
    Person.register(voice.server),
    Person.register(voice.server, { fullName: 'Ravi Menon', gender: 'male' }),
    Person.register(voice.server, { fullName: 'Meera Iyer' }),
  ]);
  const { room } = await asha.api.post('/rooms/create', { name: 'Evening raga', roomType: 'voice' });
  const phones = [await browser.phone(), await browser.phone(), await browser.phone()];
  const raviPlace = await join(ravi, room.id);
  await Promise.all([
    phones[0].connect(room.livekitServerUrl, room.token),
    phones[1].connect(...raviPlace),
    phones[2].connect(...(await join(meera, room.id))),
  ]);
  await phones[0].speak();
  await Promise.all([phones[1].hears(asha), phones[2].hears(asha)]);
  const act = (person, what, body = {}) => asha.api.post(`/rooms/${room.id}/members/${person.id}/${what}`, body);
  return { asha, ravi, meera, phones, room, raviPlace, act };
}

/** Whether LiveKit itself would take somebody's voice; in a voice room it takes nothing else. */
async function mayPublish(room, person) {
  const { permission } = (await voice.livekit.participants(room.livekitRoom)).get(identity(person));
  assert.equal(typeof permission.can_publish, 'boolean');
  assert.deepEqual(permission.can_publish_sources, permission.can_publish ? ['MICROPHONE'] : []);
  return permission.can_publish;
}

test('three people: a listener hears and cannot speak, a speaker is heard, muted by the host is not', async () => {
  const { asha, ravi, meera, phones, room, act } = await roomOfThree();
  const [ashaPhone, raviPhone, meeraPhone] = phones;
  await voice.livekit.holds(room.livekitRoom, [asha, ravi, meera]);
  assert.equal(await mayPublish(room, ravi), false);
  await assert.rejects(raviPhone.speak(), /insufficient permissions/);
  await meeraPhone.doesNotHear(ravi, asha);

  await ravi.api.post(`/rooms/${room.id}/raise-hand`, {});
  await act(ravi, 'role', { role: 'speaker' });
  await raviPhone.isAllowed(true);
  assert.equal(await mayPublish(room, ravi), true);
  await raviPhone.speak();
  await Promise.all([ashaPhone.hears(ravi), meeraPhone.hears(ravi)]);

  await act(ravi, 'mute', { muted: true });
  assert.equal(await mayPublish(room, ravi), false, 'LiveKit would let him speak after the answer');
  await meeraPhone.doesNotHear(ravi, asha);
  await raviPhone.isAllowed(false);
  await assert.rejects(raviPhone.speak(), /insufficient permissions/);
  await raviPhone.hears(asha);

  await act(ravi, 'mute', { muted: false });
  assert.equal(await mayPublish(room, ravi), true);
  await raviPhone.isAllowed(true);
  await raviPhone.speak();
  await Promise.all([ashaPhone.hears(ravi), meeraPhone.hears(ravi)]);

  await act(ravi, 'role', { role: 'listener' });
  assert.equal(await mayPublish(room, ravi), false);
  await meeraPhone.doesNotHear(ravi, asha);

  await asha.api.post(`/rooms/${room.id}/close`, {});
  for (const phone of phones) await phone.isOut();
  assert.ok(!(await voice.livekit.rooms()).includes(room.livekitRoom));
});

/** Comes back with a token from before, by default the first: whether the door opened. */
async function doesNotComeBack({ asha, ravi, meera, phones, room, raviPlace }, place = raviPlace, phone) {
  await voice.livekit.holds(room.livekitRoom, [asha, meera]);
  phone ??= await browser.phone();
  const entered = await isSentOut(ravi, phone, place, { speaker: asha, listener: phones[2] });
  await voice.livekit.holds(room.livekitRoom, [asha, meera]);
  return entered;
}

describe('out is out', { concurrency: 2 }, () => {
  for (const what of ['kick', 'ban']) {
    test(`whoever was hit by a ${what} is out, and does not come back with the old token`, async (t) => {
      const three = await roomOfThree();
      const { ravi, phones, room, act } = three;
      await act(ravi, what);
      assert.equal(await phones[1].isOut(), 'PARTICIPANT_REMOVED');
      t.diagnostic(`the old token opened the door: ${await doesNotComeBack(three)}`);
      const again = await bare(voice.server, ravi.token).post(`/rooms/${room.id}/join`, {}, { validateStatus: null });
      assert.ok([403, 404, 409].includes(again.status), `joining again: ${again.status}`);
      assert.equal(again.data.success, false);
    });
  }

  test('whoever was kicked does not come back with a token that LiveKit renewed, microphone and all', async (t) => {
    const three = await roomOfThree();
    const { asha, ravi, meera, phones, room, raviPlace, act } = three;
    await ravi.api.post(`/rooms/${room.id}/raise-hand`, {});
    await act(ravi, 'role', { role: 'speaker' });
    let renewed = await eventually(RENEWED, 'LiveKit renews the token of a speaker', async () => {
      const token = await phones[1].token();
      return claims(token).video.canPublish && token;
    });
    const left = (token) => claims(token).exp - Date.now() / 1000;
    assert.ok(left(renewed) > 2 * left(raviPlace[1]), 'it lives no longer than ours');
    await phones[1].speak();
    await phones[2].hears(ravi);
    await act(ravi, 'kick');
    assert.equal(await phones[1].isOut(), 'PARTICIPANT_REMOVED');

    // Each time that the door opens, there is a new one.
    for (const time of ['first', 'second']) {
      const phone = await browser.phone();
      const began = Date.now();
      const entered = await doesNotComeBack(three, [room.livekitServerUrl, renewed], phone);
      const { members } = await asha.api.get(`/rooms/${room.id}/members`);
      assert.deepEqual(members.map((member) => member.user.id).sort(), [asha.id, meera.id].sort());
      t.diagnostic(`the ${time} time the renewed token opened the door: ${entered}, ${Date.now() - began} ms`);
      if (entered) renewed = await phone.token();
    }
  });

  test('a suspension throws out of the room, and no token of before leads back', async (t) => {
    const three = await roomOfThree();
    const { ravi, phones, room } = three;
    const line = await ravi.line();
    const began = Date.now();
    const suspending = banter(voice.server, 'user', 'suspend', ravi.id, '--reason', 'insults in a room');
    assert.equal(await phones[1].isOut(), 'PARTICIPANT_REMOVED');
    await line.isRevoked('ACCOUNT_SUSPENDED');
    t.diagnostic(`from the command to silence: ${Date.now() - began} ms`);
    await suspending;
    t.diagnostic(`the old token opened the door: ${await doesNotComeBack(three)}`);
    const again = await bare(voice.server, ravi.token).post(`/rooms/${room.id}/join`, {}, { validateStatus: null });
    assert.equal(again.status, 403);
  });
});

test('a hundred people join a room of ten at once: ten are in, here and at the media server', async () => {
  const host = await Person.register(voice.server);
  const { room } = await host.api.post('/rooms/create', { name: 'Small room', roomType: 'voice', maxMembers: 10 });
  const crowd = await Promise.all(Array.from({ length: 100 }, () => Person.register(voice.server)));
  const answers = await Promise.all(crowd.map(async (person) => {
    const answer = await bare(voice.server, person.token).post(`/rooms/${room.id}/join`, {}, { validateStatus: null });
    return { person, answer };
  }));
  const taken = answers.filter(({ answer }) => answer.status === 200);
  assert.equal(taken.length, 9);
  const refusals = answers.filter(({ answer }) => answer.status !== 200);
  assert.deepEqual([...new Set(refusals.map(({ answer }) => `${answer.status} ${answer.data.code}`))], ['409 ROOM_FULL']);

  const tab = await browser.tab();
  const places = [[room.livekitServerUrl, room.token]];
  for (const { answer } of taken) places.push([answer.data.room.livekitServerUrl, answer.data.room.token]);
  await Promise.all(places.map(async (place) => (await tab.phone()).connect(...place)));
  const inside = [host, ...taken.map(({ person }) => person)];
  await voice.livekit.holds(room.livekitRoom, inside);
  const { members } = await host.api.get(`/rooms/${room.id}/members`);
  assert.deepEqual(members.map((member) => member.user.id).sort(), inside.map((person) => person.id).sort());
});
