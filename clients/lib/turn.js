// The real relay (coturn) on loopback, with credentials that run out.

import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';

import { Child } from './child.js';
import { freePort } from './ports.js';

const START = 20_000;
const STOP = 10_000;
/** Relayed media comes out of one of these many ports; of those taken by others, coturn tries the next. */
const PORTS = 100;

export class Turn {
  secret = randomBytes(32).toString('hex');
  #child;

  static async start() {
    const turn = new Turn();
    turn.port = await freePort();
    const lowest = randomInt(10_000, 20_000 - PORTS);
    const settings = {
      'listening-ip': '127.0.0.1',
      'relay-ip': '127.0.0.1',
      'listening-port': turn.port,
      'min-port': lowest,
      'max-port': lowest + PORTS,
      'static-auth-secret': turn.secret,
      realm: 'banter.test',
      'log-file': 'stdout',
      pidfile: '/dev/null',
    };
    const args = ['-n', '--use-auth-secret', '--fingerprint', '--no-tls', '--no-dtls', '--no-cli'];
    // The media server is on loopback here, which a relay rightly denies.
    args.push('--allow-loopback-peers', '--no-multicast-peers');
    for (const [name, value] of Object.entries(settings)) args.push(`--${name}=${value}`);
    turn.#child = new Child('turnserver', args, { env: { PATH: process.env.PATH } });
    await turn.#child.becomes('coturn answers', START, () => answersStun(turn.port));
    return turn;
  }

  get host() {
    return `127.0.0.1:${this.port}`;
  }

  /** What a Banter server needs to make credentials for it. */
  get env() {
    return { TURN_URLS: `turn:${this.host}?transport=udp`, TURN_SECRET: this.secret };
  }

  /** As LiveKit's own configuration names it. */
  get asked() {
    return { host: '127.0.0.1', port: this.port, protocol: 'udp', secret: this.secret };
  }

  async stop() {
    if (this.#child.running) await this.#child.end('SIGTERM', STOP);
  }
}

/** Asks for a binding (RFC 5389) and answers whether the same transaction was answered. */
function answersStun(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const transaction = randomBytes(12);
    const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), transaction]);
    const done = (answered) => {
      clearTimeout(late);
      socket.close();
      resolve(answered);
    };
    const late = setTimeout(() => done(false), 500);
    socket.on('error', () => done(false));
    socket.on('message', (answer) => done(answer.subarray(8, 20).equals(transaction)));
    socket.send(request, port, '127.0.0.1');
  });
}
