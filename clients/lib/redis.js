// A Redis of a test's own, which may die: nothing is kept on disk.

import { connect } from 'node:net';

import { Child } from './child.js';
import { freePort } from './ports.js';

const START = 20_000;
const STOP = 10_000;
/** How long one ping may take; another follows. */
const PING = 1000;

export class Redis {
  #child;

  static async start() {
    const redis = new Redis();
    redis.port = await freePort();
    await redis.start();
    return redis;
  }

  /** As LiveKit's configuration names it. */
  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** What a Banter server needs to use it. */
  get env() {
    return { REDIS_URL: `redis://${this.address}` };
  }

  /** Starts it, again on the same port after `kill`; what was in it is gone then. */
  async start() {
    const args = ['--bind', '127.0.0.1', '--port', String(this.port), '--save', '', '--appendonly', 'no'];
    this.#child = new Child('redis-server', args, { env: { PATH: process.env.PATH } });
    await this.#child.becomes('Redis answers', START, () => answers(this.port));
  }

  /** Ends it as a power cut does. */
  async kill() {
    if (this.#child.running) await this.#child.end('SIGKILL', STOP);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const done = (answered) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(PING, () => done(false));
    socket.on('error', () => done(false));
    socket.on('data', (said) => done(said.toString() === '+PONG\r\n'));
  });
}
