// The promise of the whole thing: a message that was acknowledged is stored, once, in its place, though the server
// die at any moment. Two people send as fast as they can while their server is killed under them, five times.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, test } from 'node:test';

import { Person } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

const MESSAGES = 10_000;
const WINDOW = 32;
const KILLS = 5;
/** Acknowledgements between one kill and the next: the last one comes well before the end. */
const EVERY = Math.floor(MESSAGES / (KILLS + 1));
const ACK_TIMEOUT = 10_000;

/** One person, who sends `count` messages with at most `WINDOW` unacknowledged, and holds what they sent and heard. */
class Talker extends EventEmitter {
  acked = new Map();
  held = new Map();
  problems = [];
  retries = 0;
  /** Of those, how many turned out to have been stored by the attempt whose answer was lost. */
  survivors = 0;
  #unsent;
  #inFlight = 0;
  #retried = new Map();
  #catchingUp = false;
  #contiguous = 0;

  constructor(name, person, peer, count) {
    super();
    Object.assign(this, { name, person, peer, count });
    this.#unsent = Array.from({ length: count }, (_, n) => n);
  }

  content(n) {
    return `${this.name} ${n}`;
  }

  async start(options) {
    this.line = await this.person.line({ reconnectionDelay: 50, reconnectionDelayMax: 250, ...options });
    this.line.socket.on('message:new', (message) => this.#hold(message));
    this.line.socket.on('connect', () => {
      this.#pump();
      this.#catchUp();
    });
    this.#pump();
  }

  #pump() {
    while (this.line.socket.connected && this.#inFlight < WINDOW && this.#unsent.length > 0) {
      this.#send(this.#unsent.shift());
    }
  }

  async #send(n) {
    this.#inFlight += 1;
    const message = { receiverId: this.peer.id, content: this.content(n), clientMessageId: this.content(n).replace(' ', '-') };
    try {
      const answer = await this.line.socket.timeout(ACK_TIMEOUT).emitWithAck('message:send', message);
      if (!answer.success) return this.#fail(`${message.content} was refused: ${JSON.stringify(answer)}`);
      this.acked.set(n, answer.message);
      if (Date.parse(answer.message.createdAt) < this.#retried.get(n)) this.survivors += 1;
      this.#hold(answer.message);
      this.emit('step');
    } catch {
      // Nobody can know whether it was stored: the same again, under the same name.
      this.retries += 1;
      this.#retried.set(n, Date.now());
      this.#unsent.unshift(n);
    } finally {
      this.#inFlight -= 1;
      this.#pump();
    }
  }

  /** What came while we were away. A server that dies under it is asked again after the next connect. */
  async #catchUp() {
    if (this.#catchingUp || !this.conversationId) return;
    this.#catchingUp = true;
    try {
      await this.catchUp();
    } catch (error) {
      if (error.response) this.#fail(`catching up: ${error.message}`);
    } finally {
      this.#catchingUp = false;
    }
  }

  async catchUp() {
    const missed = await this.person.missed(this.conversationId, this.#contiguous);
    for (const message of missed) this.#hold(message);
  }

  #hold(message) {
    this.conversationId = message.conversationId;
    const earlier = this.held.get(message.seq);
    if (earlier && (earlier.id !== message.id || earlier.content !== message.content)) {
      this.#fail(`two messages at ${message.seq}: ${earlier.content} and ${message.content}`);
    }
    this.held.set(message.seq, message);
    while (this.held.has(this.#contiguous + 1)) this.#contiguous += 1;
  }

  #fail(problem) {
    this.problems.push(problem);
    this.emit('step');
  }
}

let server;

after(async () => {
  hangUp();
  await server?.stop();
});

test('10,000 messages, five kills: nothing acknowledged is lost, nothing is there twice', { timeout: 170_000 }, async (t) => {
  server = await Server.start({ BANTER_LOG: 'warn' });
  const [asha, ravi] = [await Person.register(server), await Person.register(server)];
  const talkers = [new Talker('asha', asha, ravi, MESSAGES / 2), new Talker('ravi', ravi, asha, MESSAGES / 2)];
  const acks = () => talkers[0].acked.size + talkers[1].acked.size;
  const started = Date.now();

  const progress = new EventEmitter();
  for (const talker of talkers) talker.on('step', () => progress.emit('step'));
  const reached = async (count) => {
    while (acks() < count) {
      await once(progress, 'step');
      for (const talker of talkers) assert.deepEqual(talker.problems, []);
    }
  };

  // One begins by polling and upgrades, again after each kill; the other has a websocket from the start.
  await Promise.all([talkers[0].start(), talkers[1].start({ transports: ['websocket'] })]);
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await reached(kill * EVERY);
    await server.kill();
    await server.start();
  }
  await reached(MESSAGES);
  const seconds = (Date.now() - started) / 1000;
  const retries = talkers[0].retries + talkers[1].retries;
  const survivors = talkers[0].survivors + talkers[1].survivors;
  t.diagnostic(`${MESSAGES} messages and ${KILLS} kills in ${seconds.toFixed(1)} s`);
  t.diagnostic(`${retries} sends retried, ${survivors} of them stored the first time`);
  assert.ok(retries >= KILLS, 'the kills met messages under way');

  await t.test('sequence numbers run 1 to N without a gap, and every message is there once', async () => {
    const stored = await wholeHistory(asha, ravi);
    assert.equal(stored.length, MESSAGES);
    assert.deepEqual(stored.map((message) => message.seq), Array.from({ length: MESSAGES }, (_, i) => i + 1));
    const expected = talkers.flatMap((talker) => Array.from({ length: talker.count }, (_, n) => talker.content(n)));
    assert.deepEqual(stored.map((message) => message.content).sort(), expected.sort());
    assert.equal(new Set(stored.map((message) => message.id)).size, MESSAGES);

    for (const talker of talkers) {
      for (const [n, acked] of talker.acked) {
        const message = stored[acked.seq - 1];
        assert.equal(message.id, acked.id);
        assert.equal(message.content, talker.content(n));
        assert.equal(message.senderId, talker.person.id);
      }
    }
  });

  await t.test('both hold everything after asking for what they missed', async () => {
    for (const talker of talkers) {
      const before = talker.held.size;
      await talker.catchUp();
      t.diagnostic(`${talker.name} held ${before} before the last look`);
      assert.equal(talker.held.size, MESSAGES);
      assert.deepEqual(talker.problems, []);
    }
  });

  await t.test('the list of conversations agrees', async () => {
    for (const talker of talkers) {
      const [conversation] = (await talker.person.api.get('/conversations')).conversations;
      assert.equal(conversation.lastSeq, MESSAGES);
      assert.equal(conversation.unreadCount, MESSAGES / 2, 'the other half is one’s own');
    }
  });
});

/** All of a direct conversation, page by page from the newest, in order. */
async function wholeHistory(person, peer) {
  const all = [];
  for (let beforeSeq; ; beforeSeq = all.at(-1).seq) {
    const page = await person.api.get(`/messages/${peer.id}`, { beforeSeq, limit: 100 });
    all.push(...page.messages);
    if (!page.hasMore) return all.reverse();
  }
}
