// Everything that voice takes, of one test's own: a media server, a relay, a database and a Banter server that know of
// each other. And the way into a call.

import { Database } from './database.js';
import { LiveKit } from './livekit.js';
import { freePort } from './ports.js';
import { Server } from './server.js';
import { Turn } from './turn.js';
import { Webhooks } from './webhooks.js';

export class Voice {
  /** `relay`: with one. `recorded`: webhooks go to `webhooks` instead of the server. */
  static async start({ relay = false, recorded = false } = {}) {
    const voice = new Voice();
    try {
      const port = await freePort();
      voice.webhookUrl = `http://127.0.0.1:${port}/api/webhooks/livekit`;
      if (recorded) voice.webhooks = await Webhooks.start(voice.webhookUrl);
      if (relay) voice.relay = await Turn.start();
      voice.livekit = await LiveKit.start({ webhook: voice.webhooks?.url ?? voice.webhookUrl, relay: voice.relay });
      // Whichever server finds a job does it, and each has another media server.
      voice.database = Database.create();
      voice.server = new Server(port, { ...voice.database.env, ...voice.livekit.env, ...voice.relay?.env });
      await voice.server.start();
      return voice;
    } catch (error) {
      await voice.stop();
      throw error;
    }
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
    await this.livekit?.kill();
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
