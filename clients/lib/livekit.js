// The real media server, and the operator's side of it: tokens of any kind, its own lists, its own answers.

import { createHmac, randomBytes } from 'node:crypto';

import axios from 'axios';

import { Child } from './child.js';
import { freePort } from './ports.js';
import { eventually } from './wait.js';

const START = 20_000;
const STOP = 10_000;
/** Its HTTP answers are local; only a machine that is busy makes them slow. */
const ANSWER = 10_000;

export class LiveKit {
  key = `API${randomBytes(6).toString('hex')}`;
  secret = randomBytes(32).toString('hex');
  #settings;
  #config;
  #child;

  /**
   * `webhook`: where it tells what happens. `relay`: what it offers clients beside itself. `redis`: where it finds the
   * other nodes, and keeps which room is on which.
   */
  static async start(settings = {}) {
    return new LiveKit().#begin(settings);
  }

  /** Another node beside this one. */
  async another() {
    const other = new LiveKit();
    Object.assign(other, { key: this.key, secret: this.secret });
    return other.#begin(this.#settings);
  }

  async #begin(settings) {
    const { webhook, relay, redis } = settings;
    this.#settings = settings;
    this.port = await freePort();
    this.#config = {
      port: this.port,
      bind_addresses: ['127.0.0.1'],
      rtc: {
        udp_port: await freePort(),
        tcp_port: await freePort(),
        use_external_ip: false,
        node_ip: '127.0.0.1',
        enable_loopback_candidate: true,
        ips: { includes: ['127.0.0.1/32'] },
        // Without a STUN server of ours, clients would be sent to other companies'.
        ...(relay && { stun_servers: [relay.host], turn_servers: [relay.asked] }),
      },
      keys: { [this.key]: this.secret },
      room: { auto_create: false, departure_timeout: 20 },
      api: { enable_psrpc_for_get_list_participants: true },
      logging: { level: 'warn', pion_level: 'error' },
      ...(webhook && { webhook: { api_key: this.key, urls: [webhook] } }),
      ...(redis && { redis: { address: redis.address } }),
    };
    await this.start();
    return this;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}`;
  }

  get apiUrl() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What a Banter server needs to use it. */
  get env() {
    return {
      LIVEKIT_API_KEY: this.key,
      LIVEKIT_API_SECRET: this.secret,
      LIVEKIT_SERVER_URL: this.url,
      LIVEKIT_API_URL: this.apiUrl,
    };
  }

  /** Starts it, again on the same ports after `kill`; of the rooms it had, it knows only what is in Redis. */
  async start() {
    // JSON is YAML. Of our environment it gets nothing else: it takes settings from there too.
    const env = { PATH: process.env.PATH, LIVEKIT_CONFIG: JSON.stringify(this.#config) };
    this.#child = new Child('livekit-server', [], { env });
    await this.#child.becomes('LiveKit answers', START, async () => {
      const answer = await axios.get(this.apiUrl, { timeout: 2000, validateStatus: null }).catch(() => null);
      return answer?.status === 200;
    });
  }

  /** Ends it as a power cut does. */
  async kill() {
    if (this.#child.running) await this.#child.end('SIGKILL', STOP);
  }

  /** Calls of its own API, in JSON, by a key that may do everything to this room. */
  async ask(method, body = {}) {
    const grants = { roomCreate: true, roomList: true, roomAdmin: true, room: body.room ?? body.name };
    const headers = { Authorization: `Bearer ${this.sign({ video: grants })}` };
    const url = `${this.apiUrl}/twirp/livekit.RoomService/${method}`;
    return (await axios.post(url, body, { headers, timeout: ANSWER })).data;
  }

  /** The names of the rooms it has. */
  async rooms() {
    return ((await this.ask('ListRooms')).rooms ?? []).map((room) => room.name);
  }

  /** Who is in a room, by identity; nobody in a room it does not have. */
  async participants(room) {
    try {
      const { participants = [] } = await this.ask('ListParticipants', { room });
      return new Map(participants.map((participant) => [participant.identity, participant]));
    } catch (error) {
      const code = error.response?.data.code;
      // Its nodes are asked, and of a room that none has nobody answers.
      const gone = code === 'not_found' || (code === 'unavailable' && !(await this.rooms()).includes(room));
      if (gone) return new Map();
      throw error;
    }
  }

  /** Waits until exactly these people are in a room. */
  async holds(room, people, deadline = ANSWER) {
    const expected = people.map(identity).sort().join();
    let found;
    try {
      await eventually(deadline, `LiveKit holds ${people.length} in the room`, async () => {
        found = [...(await this.participants(room)).keys()].sort().join();
        return found === expected;
      });
    } catch (error) {
      throw new Error(`${error.message}: it holds ${found || 'nobody'}, expected ${expected || 'nobody'}`, { cause: error });
    }
  }

  /** A token for `room`, as Banter should issue them. */
  token(identity, room, grants = {}) {
    return this.sign({ sub: identity, video: { roomJoin: true, room, ...grants } });
  }

  sign(claims) {
    return sign(this.key, this.secret, claims);
  }
}

/** What a person is called in every room. */
export const identity = (person) => `user_${person.id}`;

/** A JWT in LiveKit's form. */
export function sign(key, secret, claims, lifetime = 600) {
  const now = Math.floor(Date.now() / 1000);
  const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: key, nbf: now - 5, exp: now + lifetime, ...claims })}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
