// Everything that voice takes, of one test's own: a media server, a relay, a database and a Banter server that know of
// each other. And the way into a call or a room, open and shut.

import assert from 'node:assert/strict';

import { Database } from './database.js';
import { LiveKit, identity } from './livekit.js';
import { freePort } from './ports.js';
import { Proxy } from './proxy.js';
import { Redis } from './redis.js';
import { Server } from './server.js';
import { Turn } from './turn.js';
import { eventually } from './wait.js';
import { Webhooks } from './webhooks.js';

/** Of listeners who came and went LiveKit tells every three seconds. */
const SEEN = 10_000;

export class Voice {
  /** Every node of the media server, the dead ones too; `livekit` is the one that is asked. */
  nodes = [];

  /**
   * `relay`: with one. `recorded`: webhooks go to `webhooks` instead of the server. `cluster`: the media server and ours
   * share a Redis of their own, and a balancer stands before the media server, behind which there may be more nodes.
   */
  static async start({ relay = false, recorded = false, cluster = false } = {}) {
    const voice = new Voice();
    try {
      const port = await freePort();
      voice.webhookUrl = `http://127.0.0.1:${port}/api/webhooks/livekit`;
      if (recorded) voice.webhooks = await Webhooks.start(voice.webhookUrl);
      if (relay) voice.relay = await Turn.start();
      if (cluster) voice.redis = await Redis.start();
      const { relay: turn, redis } = voice;
      voice.livekit = await LiveKit.start({ webhook: voice.webhooks?.url ?? voice.webhookUrl, relay: turn, redis });
      voice.nodes.push(voice.livekit);
      if (cluster) voice.balancer = await Proxy.start(voice.livekit.port);
      // Whichever server finds a job does it, and each has another media server.
      voice.database = Database.create();
      const env = { ...voice.livekit.env, ...voice.relay?.env, ...voice.redis?.env, ...voice.#reached };
      voice.server = new Server(port, { ...voice.database.env, ...env });
      await voice.server.start();
      return voice;
    } catch (error) {
      await voice.stop();
      throw error;
    }
  }

  /** Where clients and our server find the media server, if not at its own port. */
  get #reached() {
    const { url } = this.balancer ?? {};
    return url && { LIVEKIT_SERVER_URL: url.replace('http:', 'ws:'), LIVEKIT_API_URL: url };
  }

  /** Another node of the media server takes over: who is on the way to it finds only that one. */
  async takeOver() {
    this.livekit = await this.livekit.another();
    this.nodes.push(this.livekit);
    this.balancer.leadTo(this.livekit.port);
  }

  /** What time does to those who are away: so much later, and everything is compared at once. */
  later(seconds) {
    for (const table of ['chat_room_members', 'call_participants']) {
      this.database.sql(`update ${table} set absent_since = absent_since - interval '${seconds} seconds'`);
    }
    this.database.sql(`update jobs set run_at = now() where kind = 'reconcile_voice' and state = 'queued'`);
  }

  async stop() {
    await this.server?.stop();
    this.balancer?.stop();
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.redis?.kill();
    await this.relay?.stop();
    this.webhooks?.stop();
    this.database?.drop();
  }
}

/** One calls, the other answers: the call's id, its room, and a place in it for each. The receiver needs a socket. */
export async function answeredCall(caller, receiver) {
  const made = await caller.api.post('/calls/initiate', { receiverId: receiver.id, callType: 'audio' });
  const { call } = await receiver.api.post(`/calls/${made.call.id}/answer`, {});
  return {
    id: call.id,
    room: call.roomName,
    callers: [made.call.livekitServerUrl, made.call.callerToken],
    receivers: [call.livekitServerUrl, call.receiverToken],
  };
}

/** Joins a room: where, and by which token. */
export async function join(person, roomId) {
  const { room } = await person.api.post(`/rooms/${roomId}/join`, {});
  return [room.livekitServerUrl, room.token];
}

/**
 * Comes back with a token from before: may be in for an instant, is out again without anybody's doing, and hears nothing
 * of what `listener` hears from `speaker`. Whether the door opened.
 */
export async function isSentOut(person, phone, place, { speaker, listener }) {
  const entered = await phone.connect(...place).then(() => true, () => false);
  if (entered) await phone.isOut();
  const heard = await phone.packets(speaker);
  await listener.doesNotHear(person, speaker);
  assert.equal(await phone.packets(speaker), heard);
  assert.equal(await phone.state(), 'disconnected');
  await eventually(SEEN, 'others see them no more', async () => !(await listener.others()).includes(identity(person)));
  return entered;
}
