// The media server, ours, or the Redis of both dies while people talk. No call stays answered for ever, nobody haunts a room.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { bare, refused } from '../lib/api.js';
import { Browser } from '../lib/browser.js';
import { Person, friends } from '../lib/people.js';
import { hangUp } from '../lib/socket.js';
import { Voice, answeredCall, join } from '../lib/voice.js';
import { eventually } from '../lib/wait.js';

/** How long everybody may count as there whom nobody can see: a minute, and the half until that is noticed. */
const OUTAGE = 110_000;
/** Two rounds, half a minute apart, and what somebody may stay away between them. */
const REPAIRED = 100_000;
/** How long somebody may take to come to a room that was lost. */
const COMING = 90;

let browser;

before(async () => {
  browser = await Browser.start();
});
after(async () => {
  hangUp();
  await browser?.stop();
});

/** The call, once it is over. */
async function over(person, call, deadline) {
  return eventually(deadline, 'the call is over', async () => {
    const { callLog } = await person.api.get(`/calls/${call.id}`);
    return callLog.status !== 'answered' && callLog;
  });
}

/** Two people who talk by phones. */
async function talking(voice) {
  const { asha, ravi } = await friends(voice.server);
  const line = await asha.line();
  await ravi.line();
  return { asha, ravi, line, ...(await inCall(asha, ravi)) };
}

/** These two talk by new phones. */
async function inCall(asha, ravi, begin = answeredCall) {
  const call = await begin(asha, ravi);
  const tabs = [await browser.tab(), await browser.tab()];
  const phones = await Promise.all(tabs.map((tab) => tab.phone()));
  await Promise.all([phones[0].connect(...call.callers), phones[1].connect(...call.receivers)]);
  await Promise.all(phones.map((phone) => phone.speak()));
  await Promise.all([phones[0].hears(ravi), phones[1].hears(asha)]);
  return { call, tabs, phones };
}

/** Waits until somebody is in a room again: whose app gave up asks for the way in, as often as it takes. */
async function isBack(phone, person, room) {
  let why;
  try {
    await eventually(REPAIRED, 'a phone is in the room again', async () => {
      const state = await phone.state();
      if (state !== 'disconnected') return state === 'connected';
      why = await join(person, room.id).then((place) => phone.connect(...place)).catch((error) => error.message);
      return false;
    });
  } catch (error) {
    throw new Error(`${error.message}: ${why}`, { cause: error });
  }
}

/** Calls until a call can be had. Whoever has a socket counts as here again when a Redis that was lost is told of it. */
async function answeredAtLast(caller, receiver) {
  return eventually(REPAIRED, 'a call is made', async () => {
    return answeredCall(caller, receiver).catch((error) => {
      if (!['LIVEKIT_UNAVAILABLE', 'USER_NOT_ONLINE'].includes(error.response?.data.code)) throw error;
      return null;
    });
  });
}

describe('outages', { concurrency: true }, () => {
  test('the media server dies in a call, for good: the call ends, and new ones are refused', { timeout: 175_000 }, async (t) => {
    const voice = await Voice.start();
    try {
      const { asha, ravi, call } = await talking(voice);
      await voice.livekit.kill();
      const died = Date.now();
      const others = await friends(voice.server);
      await others.ravi.line();
      const api = bare(voice.server, others.asha.token);
      const calling = { receiverId: others.ravi.id, callType: 'audio' };
      await refused(503, 'LIVEKIT_UNAVAILABLE', api.post('/calls/initiate', calling));
      const room = { name: 'Nowhere', roomType: 'voice' };
      await refused(503, 'LIVEKIT_UNAVAILABLE', api.post('/rooms/create', room));

      const callLog = await over(asha, call, OUTAGE);
      assert.ok(callLog.duration >= 1);
      t.diagnostic(`the call ended after ${((Date.now() - died) / 1000).toFixed(1)} s`);

      await voice.livekit.start();
      // Both are free again.
      await answeredCall(ravi, asha);
    } finally {
      await voice.stop();
    }
  });

  const returns = {
    'the media server dies in a call and a room, and comes back': [{}, (voice) => voice.livekit.start()],
    'a node of the media server dies in a call and a room, and comes back as another': [{ cluster: true }, (voice) => voice.livekit.start()],
    'a node of the media server dies in a call and a room, and another takes over': [{ cluster: true }, (voice) => voice.takeOver()],
  };
  for (const [what, [settings, comesBack]] of Object.entries(returns)) {
    test(`${what}: the room lives, without those who are gone`, { timeout: 175_000 }, async (t) => {
      const voice = await Voice.start(settings);
      try {
        const left = await talking(voice);
        const people = await Promise.all(Array.from({ length: 3 }, () => Person.register(voice.server)));
        const [asha, ravi, meera] = people;
        const { room } = await asha.api.post('/rooms/create', { name: 'Long night', roomType: 'voice' });
        const [tab, lost] = [await browser.tab(), await browser.tab()];
        const phones = [await tab.phone(), await tab.phone()];
        const ghost = await lost.phone();
        await phones[0].connect(room.livekitServerUrl, room.token);
        await phones[1].connect(...(await join(ravi, room.id)));
        await ghost.connect(...(await join(meera, room.id)));
        await phones[0].speak();
        await phones[1].hears(asha);

        await voice.livekit.kill();
        await Promise.all([lost, ...left.tabs].map((tab) => tab.crash()));
        await comesBack(voice);
        const back = Date.now();
        await eventually(REPAIRED, 'LiveKit has the room again', async () => {
          return (await voice.livekit.rooms()).includes(room.livekitRoom);
        });
        t.diagnostic(`the room was back after ${((Date.now() - back) / 1000).toFixed(1)} s`);
        await Promise.all([isBack(phones[0], asha, room), isBack(phones[1], ravi, room)]);
        t.diagnostic(`the people were back after ${((Date.now() - back) / 1000).toFixed(1)} s`);
        await phones[0].speak();
        await phones[1].hears(asha);
        voice.later(COMING);
        await eventually(REPAIRED, 'nobody haunts the room', async () => {
          const { members } = await asha.api.get(`/rooms/${room.id}/members`);
          const found = members.map((member) => member.user.id);
          assert.ok(found.includes(asha.id) && found.includes(ravi.id), 'whoever is there was put out');
          return !found.includes(meera.id);
        });
        await voice.livekit.holds(room.livekitRoom, [asha, ravi]);
        await over(left.asha, left.call, OUTAGE);
        t.diagnostic(`the call that both left was over after ${((Date.now() - back) / 1000).toFixed(1)} s`);
        // Those whom nobody hears any more are free for another.
        await inCall(left.ravi, left.asha);
        const late = await browser.phone();
        await late.connect(...(await join(meera, room.id)));
        await late.hears(asha);
      } finally {
        await voice.stop();
      }
    });
  }

  test('the Redis of all dies in two calls: one is hung up, the other left unseen; neither goes on, and new ones do', { timeout: 175_000 }, async (t) => {
    const voice = await Voice.start({ cluster: true });
    try {
      const [hungUp, left] = await Promise.all([talking(voice), talking(voice)]);
      await voice.redis.kill();
      const died = Date.now();
      // They go on talking: media does not pass through it.
      await Promise.all([hungUp.phones[0].hears(hungUp.ravi), hungUp.phones[1].hears(hungUp.asha)]);
      await hungUp.ravi.api.post(`/calls/${hungUp.call.id}/end`, {});
      assert.equal((await hungUp.line.once('call:ended')).callId, hungUp.call.id);
      assert.equal((await over(hungUp.asha, hungUp.call, 0)).status, 'completed');
      await Promise.all(hungUp.phones.map((phone) => phone.leave()));
      await Promise.all(left.tabs.map((tab) => tab.crash()));
      const callLog = await over(left.asha, left.call, OUTAGE);
      assert.equal(callLog.status, 'completed');
      t.diagnostic(`the call that both left was over after ${((Date.now() - died) / 1000).toFixed(1)} s`);

      await voice.redis.start();
      const back = Date.now();
      await inCall(hungUp.asha, hungUp.ravi, answeredAtLast);
      await inCall(left.ravi, left.asha, answeredAtLast);
      t.diagnostic(`they talk again ${((Date.now() - back) / 1000).toFixed(1)} s after it was back`);
      for (const { call } of [hungUp, left]) await voice.livekit.holds(call.room, [], REPAIRED);
    } finally {
      await voice.stop();
    }
  });

  test('the server dies in a call, and both leave unseen: the call ends once it is back', { timeout: 175_000 }, async (t) => {
    const voice = await Voice.start();
    try {
      const { asha, ravi, call, phones } = await talking(voice);
      await voice.server.kill();
      // They go on talking: media does not pass through us.
      await Promise.all([phones[0].hears(ravi), phones[1].hears(asha)]);
      await Promise.all(phones.map((phone) => phone.leave()));
      await voice.livekit.holds(call.room, []);
      await voice.server.start();
      const back = Date.now();
      const callLog = await over(ravi, call, REPAIRED);
      assert.equal(callLog.status, 'completed');
      t.diagnostic(`the call ended ${((Date.now() - back) / 1000).toFixed(1)} s after the server was back`);
      await eventually(REPAIRED, 'the call’s room is closed', async () => !(await voice.livekit.rooms()).includes(call.room));
    } finally {
      await voice.stop();
    }
  });
});
