// What LiveKit tells, told badly: twice, out of order, not at all, or by somebody else. Who is in a room is in the end
// what the media server says.

import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import axios from 'axios';

import { Browser } from '../lib/browser.js';
import { identity, sign } from '../lib/livekit.js';
import { Person } from '../lib/people.js';
import { Voice, join } from '../lib/voice.js';
import { eventually } from '../lib/wait.js';

/** One round of comparing. */
const REPAIRED = 20_000;
/** How long somebody may take who has a seat and was never seen. */
const COMING = 90;

let voice;
let browser;

before(async () => {
  [voice, browser] = await Promise.all([Voice.start({ recorded: true }), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await voice?.stop();
});

/** Asha's room, and as many others in it, each by a phone. */
async function roomWith(others) {
  const people = await Promise.all(Array.from({ length: others + 1 }, () => Person.register(voice.server)));
  const [asha, ...rest] = people;
  const { room } = await asha.api.post('/rooms/create', { name: 'Chai', roomType: 'voice' });
  const tab = await browser.tab();
  const phones = await Promise.all(people.map(() => tab.phone()));
  const places = [[room.livekitServerUrl, room.token]];
  for (const person of rest) places.push(await join(person, room.id));
  await Promise.all(phones.map((phone, n) => phone.connect(...places[n])));
  await voice.livekit.holds(room.livekitRoom, people);
  return { room, people, phones, places };
}

async function members(person, room) {
  const answer = await person.api.get(`/rooms/${room.id}/members`);
  return answer.members.map((member) => member.user.id).sort();
}

const ids = (people) => people.map((person) => person.id).sort();

describe('a room whose webhooks go astray', { concurrency: true }, () => {
  const disorders = {
    'each comes twice': (deliveries) => deliveries.flatMap((delivery) => [delivery, delivery]),
    'the last comes first': (deliveries) => deliveries.toReversed(),
    'every other one is lost, the rest comes backwards and twice': (deliveries) => {
      const kept = deliveries.filter((_, n) => n % 2 === 0).toReversed();
      return [...kept, ...kept];
    },
    'none comes': () => [],
  };

  test('the members are those whom LiveKit holds, whatever the order', { timeout: 170_000 }, async (t) => {
    const rooms = await Promise.all(Object.keys(disorders).map(() => roomWith(4)));

    // Meera, Ravi and Dev go and come back; Dev and Anu are gone in the end. None of them says so to Banter.
    await Promise.all(rooms.map(async ({ room, people, phones, places }) => {
      const [asha, ravi, meera, dev, anu] = people;
      for (const n of [1, 2, 3]) {
        await phones[n].leave();
        await voice.webhooks.told('participant_left', identity(people[n]), 1);
        await phones[n].connect(...places[n]);
        await voice.webhooks.told('participant_joined', identity(people[n]), 2);
      }
      await Promise.all([phones[3].leave(), phones[4].leave()]);
      await voice.webhooks.told('participant_left', identity(dev), 2);
      await voice.webhooks.told('participant_left', identity(anu), 1);
      await voice.livekit.holds(room.livekitRoom, [asha, ravi, meera]);
    }));

    await Promise.all(Object.values(disorders).map(async (disorder, n) => {
      const { room, people } = rooms[n];
      const own = voice.webhooks.deliveries.filter(({ told }) => told.room?.name === room.livekitRoom);
      assert.ok(own.length >= 14, `LiveKit told of ${own.length} events`);
      for (const delivery of disorder(own)) assert.equal(await voice.webhooks.deliver(delivery), 200);
    }));
    // One round notes who is away, and after a while another gives up their seats.
    const began = Date.now();
    voice.later(0);
    const gone = rooms.flatMap(({ people }) => people.slice(3)).map((person) => `'${person.id}'`).join();
    await eventually(REPAIRED, 'whoever left is noted', () => {
      const counted = `select count(*) from chat_room_members where absent_since is null and user_id in (${gone})`;
      return voice.database.value(counted) === '0';
    });
    voice.later(COMING);
    await Promise.all(rooms.map(async ({ room, people }, n) => {
      const staying = people.slice(0, 3);
      await eventually(REPAIRED, `the members of ${room.name}: ${Object.keys(disorders)[n]}`, async () => {
        const found = await members(people[0], room);
        // Nobody who is there is ever taken for gone.
        for (const id of ids(staying)) assert.ok(found.includes(id), `${id} is there, and was put out`);
        return found.length === staying.length;
      });
      await voice.livekit.holds(room.livekitRoom, staying);
    }));
    t.diagnostic(`repaired within ${((Date.now() - began) / 1000).toFixed(1)} s`);
  });

  test('whoever comes back without a seat, untold, is found', { timeout: 100_000 }, async () => {
    const { room, people, phones, places } = await roomWith(1);
    const [asha, ravi] = people;
    await asha.api.post(`/rooms/${room.id}/members/${ravi.id}/kick`, {});
    await phones[1].isOut();
    await phones[1].connect(...places[1]);
    await phones[1].isOut(60_000);
    await voice.livekit.holds(room.livekitRoom, [asha]);
    assert.deepEqual(await members(asha, room), ids([asha]));
  });
});

test('a webhook that LiveKit did not sign changes nothing', async (t) => {
  const { room, people } = await roomWith(1);
  const { key, secret } = voice.livekit;
  const event = {
    id: `EV_${randomUUID()}`,
    event: 'participant_left',
    createdAt: String(Math.floor(Date.now() / 1000)),
    room: { sid: 'RM_x', name: room.livekitRoom },
    participant: { sid: 'PA_x', identity: identity(people[1]), state: 'DISCONNECTED' },
  };
  const body = JSON.stringify(event);
  const sha256 = (text) => createHash('sha256').update(text).digest('base64');
  const good = sign(key, secret, { sha256: sha256(body) });
  const stored = () => voice.database.value(`select count(*) from webhook_events where event_id = '${event.id}'`);
  const send = async (authorization, content = body) => {
    const headers = { 'Content-Type': 'application/webhook+json', ...(authorization && { Authorization: authorization }) };
    const answer = await axios.post(voice.webhookUrl, content, { headers, validateStatus: null, timeout: 10_000 });
    return answer.status;
  };

  const forgeries = {
    'by nobody': [undefined],
    'by somebody who has a token to a room': [voice.livekit.token(identity(people[1]), room.livekitRoom)],
    'with another secret': [sign(key, randomBytes(32).toString('hex'), { sha256: sha256(body) })],
    'with another key': [sign('APIanother', secret, { sha256: sha256(body) })],
    'of another body': [good, body.replace(identity(people[1]), identity(people[0]))],
    'long ago': [sign(key, secret, { sha256: sha256(body) }, -600)],
    'with no algorithm': [`${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.`],
  };
  for (const [how, [authorization, content]] of Object.entries(forgeries)) {
    await t.test(how, async () => {
      assert.equal(await send(authorization, content), 401);
      assert.equal(stored(), '0');
      assert.deepEqual(await members(people[0], room), ids(people));
    });
  }
  await t.test('and the same, signed well, is taken', async () => {
    assert.equal(await send(good), 200);
    assert.equal(stored(), '1');
    // It says that somebody left who is there: LiveKit is asked, and believed.
    await voice.livekit.holds(room.livekitRoom, people);
    assert.deepEqual(await members(people[0], room), ids(people));
  });
});
