// A socket.io-client that remembers what it heard, so that a test can ask for an event before or after it comes.

import assert from 'node:assert/strict';

import { io } from 'socket.io-client';

import { within } from './wait.js';

const DEADLINE = 5000;
const open = new Set();

/** Hangs up everywhere: a test that failed leaves no socket to the next one. */
export function hangUp() {
  for (const line of open) line.close();
}

export class Line {
  #heard = [];
  #waiting = new Set();

  constructor(url, auth, options = {}) {
    this.socket = io(url, {
      forceNew: true, // otherwise two people in this process would share one connection
      auth: (answer) => answer(auth()),
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
      ...options,
    });
    this.socket.onAny((event, data) => this.#hear(event, data));
    for (const event of ['connect', 'disconnect', 'connect_error']) {
      this.socket.on(event, (data) => this.#hear(event, data));
    }
    open.add(this);
  }

  /** Connected; if it is refused, the error thrown has the server's code for a message. */
  static async open(url, auth, options) {
    const line = new Line(url, auth, options);
    let refused;
    const answer = new Promise((resolve, reject) => {
      refused = (error) => {
        // The server's refusals are final. The network's failures are for the client to retry, and it does.
        if (!line.socket.active) return reject(error);
        const why = `${error.description}: ${error.context?.responseText}`;
        console.error(`a socket tries again: ${error.message} (${why})`);
      };
      line.socket.once('connect', resolve).on('connect_error', refused);
    });
    try {
      await within(DEADLINE, 'a socket connects', answer);
      await line.once('connect'); // asked for: the next one is a reconnection
      return line;
    } catch (error) {
      line.close();
      throw error;
    } finally {
      line.socket.off('connect_error', refused);
    }
  }

  /** The next such event that nobody asked for yet: its data. */
  once(event, suits = () => true, deadline = DEADLINE) {
    const entry = this.#heard.find((entry) => !entry.taken && entry.event === event && suits(entry.data));
    if (entry) {
      entry.taken = true;
      return Promise.resolve(entry.data);
    }
    const waiter = { event, suits };
    const heard = new Promise((resolve) => {
      waiter.resolve = resolve;
    });
    this.#waiting.add(waiter);
    return within(deadline, `${event} on a socket`, heard).finally(() => this.#waiting.delete(waiter));
  }

  /** Everything heard so far under this name, asked for or not. */
  all(event) {
    return this.#heard.filter((entry) => entry.event === event).map((entry) => entry.data);
  }

  /** Emits, and answers what the server acknowledges. */
  ask(event, ...data) {
    return this.socket.timeout(DEADLINE).emitWithAck(event, ...data);
  }

  /** Asks and insists on a yes. */
  async must(event, data) {
    const answer = await this.ask(event, data);
    assert.equal(answer.success, true, `${event} was refused: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Asks and insists on a no, with this code if one is given. */
  async mustNot(event, data, code) {
    const answer = await this.ask(event, data);
    assert.equal(answer?.success, false, `${event} was allowed: ${JSON.stringify(answer)}`);
    assert.match(answer.code, /^[A-Z][A-Z0-9_]+$/);
    assert.equal(typeof answer.message, 'string');
    if (code) assert.equal(answer.code, code);
    return answer;
  }

  /** The server says that the session is over, and why, and hangs up so that the client does not come back. */
  async isRevoked(code = 'SESSION_REVOKED', deadline = DEADLINE) {
    const told = await this.once('session:revoked', undefined, deadline);
    assert.equal(told.code, code);
    assert.equal(typeof told.message, 'string');
    const reason = await this.once('disconnect');
    assert.equal(reason, 'io server disconnect', 'after any other reason the client reconnects by itself');
  }

  close() {
    open.delete(this);
    this.socket.close();
  }

  #hear(event, data) {
    const entry = { event, data, taken: false };
    this.#heard.push(entry);
    for (const waiter of this.#waiting) {
      if (waiter.event === event && waiter.suits(data)) {
        entry.taken = true;
        this.#waiting.delete(waiter);
        waiter.resolve(data);
        return;
      }
    }
  }
}
