// The operator's command line, beside a server: the same settings, so that the server hears of what it did. And what a
// developer starts everything with.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { Child } from './child.js';
import { freePort } from './ports.js';
import { BINARY } from './server.js';

/** PostgreSQL makes a cluster first. */
const START = 90_000;
/** Each part gets its time to end. */
const STOP = 60_000;

export const BANTER = process.env.BANTER_BIN ?? join(dirname(BINARY), 'banter');

/** What it prints, as JSON; a failure has what it said. */
export async function banter(server, ...args) {
  const { stdout } = await promisify(execFile)(BANTER, ['--json', ...args], {
    env: server.env,
    cwd: tmpdir(),
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

/** `banter dev`, which runs everything by itself: of our own environment it gets what finds programs, and nothing else. */
export class Dev {
  #dir;
  #child;
  /** What it prints once all is up. */
  tour;

  static async start() {
    const dev = new Dev();
    dev.#dir = await mkdtemp(join(tmpdir(), 'banter-dev-'));
    // Started by root, PostgreSQL runs as somebody else, who must get there.
    await chmod(dev.#dir, 0o755);
    const args = ['dev', '--throwaway', '--json', '--dir', join(dev.#dir, 'data'), '--port', String(await freePort())];
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    let printed = '';
    const hear = (text) => {
      printed += text;
    };
    dev.#child = new Child(BANTER, args, { env, cwd: dev.#dir, farewell: 'SIGTERM', hear });
    // The document ends with a brace in the first column.
    await dev.#child.becomes('banter dev is up', START, () => printed.endsWith('\n}\n'));
    dev.tour = JSON.parse(printed);
    return dev;
  }

  get url() {
    return this.tour.url;
  }

  /** Ends it as Ctrl-C does, and insists that it ends well. */
  async stop() {
    const code = await this.#child.end('SIGINT', STOP);
    assert.equal(code, 0, `banter dev ended badly:\n${this.#child.said}`);
    await rm(this.#dir, { recursive: true, force: true });
  }
}
