// The operator's command line, beside a server: the same settings, so that the server hears of what it did.

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { BINARY } from './server.js';

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
