// A database of a file's own. Jobs are run by whichever server finds them first: where it matters by which, no other
// file's server may be on the same database.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { BANTER } from './cli.js';

export class Database {
  #name = `clients_${randomBytes(6).toString('hex')}`;

  /** Migrated and empty. */
  static create() {
    const database = new Database();
    const url = new URL(process.env.DATABASE_URL);
    url.pathname = `/${database.#name}`;
    database.url = url.href;
    run('psql', [process.env.DATABASE_URL, '-qc', `create database ${database.#name}`]);
    run(BANTER, ['migrate', 'run'], { DATABASE_URL: database.url });
    return database;
  }

  /** What a server needs to be on it. */
  get env() {
    return { DATABASE_URL: this.url };
  }

  sql(statement) {
    run('psql', [this.url, '-qc', statement]);
  }

  /** The one value that a query answers, as text. */
  value(query) {
    return run('psql', [this.url, '-qAtc', query]).trim();
  }

  drop() {
    run('psql', [process.env.DATABASE_URL, '-qc', `drop database ${this.#name} with (force)`]);
  }
}

function run(command, args, env = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60_000 });
  assert.equal(done.status, 0, `${command} ${args[0]}: ${done.error ?? done.stderr}`);
  return done.stdout;
}
