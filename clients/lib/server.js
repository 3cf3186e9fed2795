// The real server: a process of its own, on a port of its own.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import axios from 'axios';

import { Child } from './child.js';
import { freePort } from './ports.js';

export const BINARY =
  process.env.BANTER_SERVER_BIN ?? fileURLToPath(new URL('../../target/debug/banter-server', import.meta.url));

/** A debug build on a busy machine starts in a second; this is for the worst of them. */
const START = 20_000;
/** The server itself gives requests 20 s to end. */
const STOP = 25_000;

/**
 * The replicas of one test file share what is in Redis, and nobody else does: whoever else is on that Redis with another
 * database would take our people for gone, and tell theirs.
 */
const database = createHash('sha256').update(process.env.DATABASE_URL ?? '').digest('hex').slice(0, 8);
const REDIS_PREFIX = `clients:${database}:${basename(process.argv[1] ?? '')}:`;

/** Settings under which a server keeps everything in its own memory. Empty counts as not set, and outranks `.env`. */
export const WITHOUT_REDIS = { REDIS_URL: '', REDIS_HOST: '' };

export class Server {
  #env;
  #child;

  constructor(port, env) {
    this.port = port;
    this.#env = {
      ...process.env,
      // The tests are one address and a few people in a hurry.
      RATE_LIMIT_MULTIPLIER: '1000',
      RATE_LIMIT_MAX_REQUESTS: '1000000',
      REDIS_PREFIX,
      // Set at all, it means that unsigned tokens count; nobody calls there.
      FIREBASE_AUTH_EMULATOR_HOST: '127.0.0.1:9099',
      BANTER_LOG: 'warn,banter_server=info',
      BANTER_LOG_FORMAT: 'text',
      NO_COLOR: '1',
      ...env,
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: env.METRICS_PORT ?? '0',
    };
  }

  /** A new server that is ready. */
  static async start(env = {}) {
    const server = new Server(await freePort(), env);
    await server.start();
    return server;
  }

  /** Its settings, all of them. */
  get env() {
    return this.#env;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it said so far, since it was started last. */
  get said() {
    return this.#child.said;
  }

  /** Its metrics, by name and labels; needs a METRICS_PORT. */
  async metrics() {
    const { data } = await axios.get(`http://127.0.0.1:${this.#env.METRICS_PORT}/metrics`);
    const lines = data.split('\n').filter((line) => line && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  /** Starts the process, again on the same port after `stop` or `kill`, and waits until it is ready. */
  async start() {
    // Elsewhere than in the repository, whose `.env` is the developer's own.
    this.#child = new Child(BINARY, [], { env: this.#env, cwd: tmpdir() });
    await this.#child.becomes('GET /readyz answers 200', START, async () => {
      const answer = await axios.get(`${this.url}/readyz`, { timeout: 2000, validateStatus: null }).catch(() => null);
      return answer?.status === 200;
    });
  }

  /** Ends it as an operator does, and insists that it ends well. */
  async stop() {
    if (!this.#child?.running) return;
    const code = await this.#child.end('SIGTERM', STOP);
    assert.equal(code, 0, `the server ended badly:\n${this.#child.said}`);
  }

  /** Ends it as a power cut does. */
  async kill() {
    await this.#child.end('SIGKILL', STOP);
  }
}
