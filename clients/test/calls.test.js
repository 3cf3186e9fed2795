// Two browsers, the media server and the relay: a call in which people hear each other.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { Browser } from '../lib/browser.js';
import { identity } from '../lib/livekit.js';
import { friends } from '../lib/people.js';
import { hangUp } from '../lib/socket.js';
import { Voice, answeredCall } from '../lib/voice.js';

let voice;
let browser;

before(async () => {
  [voice, browser] = await Promise.all([Voice.start({ relay: true }), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await voice?.stop();
});
afterEach(hangUp);

describe('a call', () => {
  const ways = {
    'straight to the media server': {
      rtcConfig: async () => undefined,
      taken: (path) => path.local !== 'relay' && path.remote !== 'relay' && path.protocol === 'udp',
    },
    'through the relay and no other way': {
      rtcConfig: async (person) => {
        const { iceServers } = await person.api.get('/calls/ice-servers');
        return { iceServers, iceTransportPolicy: 'relay' };
      },
      taken: (path) => path.local === 'relay' && path.relay.startsWith(`turn:${voice.relay.host}`),
    },
  };

  for (const [way, { rtcConfig, taken }] of Object.entries(ways)) {
    test(way, async () => {
      const { asha, ravi } = await friends(voice.server);
      const [ashaLine, raviLine] = [await asha.line(), await ravi.line()];
      const [ashaPhone, raviPhone] = [await browser.phone(), await browser.phone()];

      const body = { receiverId: ravi.id, callType: 'audio' };
      const { call: made } = await asha.api.post('/calls/initiate', body);
      const incoming = await raviLine.once('call:incoming');
      assert.equal(incoming.callId, made.id);
      assert.ok(!JSON.stringify(incoming).includes(made.callerToken), 'nobody is told another’s token');
      const { call: taking } = await ravi.api.post(`/calls/${made.id}/answer`, {});
      assert.equal((await ashaLine.once('call:answered')).callId, made.id);
      const answered = Date.now();
      assert.deepEqual([made.participantName, taking.participantName], [identity(asha), identity(ravi)]);

      await Promise.all([
        ashaPhone.connect(made.livekitServerUrl, made.callerToken, await rtcConfig(asha)),
        raviPhone.connect(taking.livekitServerUrl, taking.receiverToken, await rtcConfig(ravi)),
      ]);
      await Promise.all([ashaPhone.speak(), raviPhone.speak()]);
      await Promise.all([ashaPhone.hears(ravi), raviPhone.hears(asha)]);
      await voice.livekit.holds(made.roomName, [asha, ravi]);
      for (const phone of [ashaPhone, raviPhone]) {
        const paths = await phone.paths();
        assert.ok(paths.length > 0 && paths.every(taken), JSON.stringify(paths));
      }

      await asha.api.post(`/calls/${made.id}/end`, { duration: 9999 });
      const seconds = (Date.now() - answered) / 1000;
      const ended = await raviLine.once('call:ended');
      assert.equal(ended.callId, made.id);
      await Promise.all([ashaPhone.isOut(), raviPhone.isOut()]);
      assert.ok(!(await voice.livekit.rooms()).includes(made.roomName), 'the call’s room outlives the call');
      for (const person of [asha, ravi]) {
        const { callLog } = await person.api.get(`/calls/${made.id}`);
        assert.equal(callLog.status, 'completed');
        assert.ok(Math.abs(callLog.duration - seconds) <= 1.5, `${callLog.duration} s instead of ${seconds} s`);
        const { calls } = await person.api.get('/calls/history');
        assert.deepEqual([calls[0].id, calls[0].duration], [made.id, callLog.duration]);
      }
    });
  }

  test('whoever is in, a token of the call opens nothing once it is over', async () => {
    const { asha, ravi } = await friends(voice.server);
    await ravi.line();
    const { id, room, callers } = await answeredCall(asha, ravi);
    await asha.api.post(`/calls/${id}/end`, {});
    const phone = await browser.phone();
    await assert.rejects(phone.connect(...callers), /requested room does not exist/);
    assert.equal((await voice.livekit.participants(room)).size, 0);
  });
});

test('a relay’s credentials are somebody’s own, and run out', async () => {
  const { asha, ravi } = await friends(voice.server);
  const seen = new Set();
  for (const person of [asha, ravi]) {
    const { iceServers, ttl } = await person.api.get('/calls/ice-servers');
    const { username } = iceServers.find((server) => server.credential);
    const [end, whose] = username.split(':');
    assert.equal(whose, person.id);
    // At a full hour: whoever asks often has one name at the relay.
    const left = Number(end) - Date.now() / 1000;
    assert.ok(left > ttl - 60 && left < ttl + 3600, `${left} s are left`);
    assert.equal(Number(end) % 3600, 0);
    seen.add(username);
  }
  assert.equal(seen.size, 2);
});
