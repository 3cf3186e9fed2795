// A child process with a memory of what it said, which does not outlive this one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { eventually, within } from './wait.js';

const LINES_KEPT = 60;

const children = new Map();
const reap = () => {
  for (const [child, farewell] of children) child.kill(farewell);
};
process.once('exit', reap);
// The runner ends a file that takes too long by this signal, after which there is no `exit`.
process.once('SIGTERM', () => {
  reap();
  process.exit(143);
});

export class Child {
  #process;
  #exit;
  #farewell;
  #said = [];

  /**
   * `farewell`: the signal that ends it when this process ends; who has children of its own needs a kinder one. `hear`
   * gets all that it prints.
   */
  constructor(command, args, { env, cwd, farewell = 'SIGKILL', hear }) {
    this.#process = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.#process, 'exit');
    this.#exit.catch((error) => this.#said.push(error.message)); // it could not be started
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#said = this.#said.concat(text.trimEnd().split('\n')).slice(-LINES_KEPT);
      });
    }
    if (hear) this.#process.stdout.on('data', hear);
    this.#farewell = farewell;
    children.set(this.#process, farewell);
    this.#process.once('exit', () => children.delete(this.#process));
  }

  get running() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get said() {
    return this.#said.join('\n');
  }

  /** Waits until `ready` says so. A child that ends, or takes too long, is put away: its output is in the failure. */
  async becomes(what, deadline, ready) {
    try {
      await eventually(deadline, what, () => {
        if (!this.running) throw new Error(`${what}: it ended instead`);
        return ready();
      });
    } catch (error) {
      this.#process.kill(this.#farewell);
      throw new Error(`${error.message}\n${this.said}`, { cause: error });
    }
  }

  /** Sends the signal and waits for the end: the exit code, null if the signal ended it. */
  async end(signal, deadline) {
    this.#process.kill(signal);
    try {
      const [code] = await within(deadline, `the end after ${signal}`, this.#exit);
      return code;
    } catch (error) {
      throw new Error(`${error.message}\n${this.said}`, { cause: error });
    }
  }
}
