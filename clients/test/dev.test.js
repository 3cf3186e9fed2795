// What a developer gets from `banter dev` and nothing else: a call and a room in which people hear each other, by what it
// prints.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { bare } from '../lib/api.js';
import { Browser } from '../lib/browser.js';
import { Dev } from '../lib/cli.js';
import { Person } from '../lib/people.js';
import { hangUp } from '../lib/socket.js';
import { answeredCall, isSentOut, join } from '../lib/voice.js';

let dev;
let browser;
/** Asha and Ravi, who are friends there. */
let asha;
let ravi;

before(async () => {
  [dev, browser] = await Promise.all([Dev.start(), Browser.start()]);
  [asha, ravi] = await Promise.all(dev.tour.people.map(({ accessToken }) => Person.holding(accessToken, dev)));
});
after(async () => {
  await browser?.stop();
  await dev?.stop();
});
afterEach(hangUp);

describe('a call', () => {
  const ways = {
    'straight to the media server': {
      rtcConfig: async () => undefined,
      taken: (path) => path.local !== 'relay' && path.remote !== 'relay',
    },
    'through the relay and no other way': {
      rtcConfig: async (person) => {
        const { iceServers } = await person.api.get('/calls/ice-servers');
        return { iceServers, iceTransportPolicy: 'relay' };
      },
      taken: (path) => path.local === 'relay' && path.relay.startsWith(dev.tour.turnUrl),
    },
  };

  for (const [way, { rtcConfig, taken }] of Object.entries(ways)) {
    test(way, async () => {
      await ravi.line();
      const call = await answeredCall(asha, ravi);
      assert.deepEqual([call.callers[0], call.receivers[0]], [dev.tour.livekitUrl, dev.tour.livekitUrl]);
      const phones = [await browser.phone(), await browser.phone()];
      await Promise.all([
        phones[0].connect(...call.callers, await rtcConfig(asha)),
        phones[1].connect(...call.receivers, await rtcConfig(ravi)),
      ]);
      await Promise.all(phones.map((phone) => phone.speak()));
      await Promise.all([phones[0].hears(ravi), phones[1].hears(asha)]);
      for (const phone of phones) {
        const paths = await phone.paths();
        assert.ok(paths.length > 0 && paths.every(taken), JSON.stringify(paths));
      }
      await ravi.api.post(`/calls/${call.id}/end`, {});
      await Promise.all(phones.map((phone) => phone.isOut()));
    });
  }
});

test('a room of three: whoever is muted is silent, whoever was kicked stays out', async () => {
  const meera = await Person.register(dev, { fullName: 'Meera Iyer' });
  const { room } = await asha.api.post('/rooms/create', { name: 'Evening raga', roomType: 'voice' });
  const act = (what, body = {}) => asha.api.post(`/rooms/${room.id}/members/${ravi.id}/${what}`, body);
  const phones = [await browser.phone(), await browser.phone(), await browser.phone()];
  const place = await join(ravi, room.id);
  await Promise.all([
    phones[0].connect(room.livekitServerUrl, room.token),
    phones[1].connect(...place),
    phones[2].connect(...(await join(meera, room.id))),
  ]);
  await ravi.api.post(`/rooms/${room.id}/raise-hand`, {});
  await act('role', { role: 'speaker' });
  await phones[1].isAllowed(true);
  await Promise.all([phones[0].speak(), phones[1].speak()]);
  await Promise.all([phones[0].hears(ravi), phones[1].hears(asha), phones[2].hears(asha), phones[2].hears(ravi)]);

  await act('mute', { muted: true });
  await phones[2].doesNotHear(ravi, asha);

  const renewed = [place[0], await phones[1].token()];
  await act('kick');
  assert.equal(await phones[1].isOut(), 'PARTICIPANT_REMOVED');
  for (const old of [place, renewed]) {
    await isSentOut(ravi, await browser.phone(), old, { speaker: asha, listener: phones[2] });
    const { members } = await asha.api.get(`/rooms/${room.id}/members`);
    assert.deepEqual(members.map((member) => member.user.id).sort(), [asha.id, meera.id].sort());
  }
  const again = await bare(dev, ravi.token).post(`/rooms/${room.id}/join`, {}, { validateStatus: null });
  assert.equal(again.data.success, false);
  await asha.api.post(`/rooms/${room.id}/close`, {});
  await Promise.all([phones[0].isOut(), phones[2].isOut()]);
});
