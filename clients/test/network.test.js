// Bad networks, restarts, and replicas: a conversation goes on.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';

import { OFFLINE, about, contents, says } from '../lib/hear.js';
import { acquaintances, friends } from '../lib/people.js';
import { Proxy } from '../lib/proxy.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

let server;

before(async () => {
  server = await Server.start();
});
after(() => server?.stop());
afterEach(hangUp);

describe('a bad network', () => {
  test('a phone that fell off comes back, asks for what it missed, and has everything', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const line = await ravi.line({ reconnection: false });
    let held = (await ravi.missed(conversationId, 0)).at(-1).seq;

    line.socket.io.engine.close();
    await line.once('disconnect');
    const sent = [];
    for (let n = 0; n < 20; n += 1) sent.push(await asha.write(ravi, `while you were away ${n}`));

    line.socket.connect();
    await line.once('connect');
    const missed = await ravi.missed(conversationId, held, 7);
    assert.deepEqual(missed.map((message) => message.id), sent.map((message) => message.id));
    held = missed.at(-1).seq;

    const next = await asha.write(ravi, 'there you are');
    assert.equal((await line.once('message:new')).id, next.id);
    assert.equal(next.seq, held + 1);
  });

  test('a cut network: the client comes back by itself, and what it sent meanwhile arrives once', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const network = await Proxy.start(server.port);
    try {
      const line = await ravi.line({ url: network.url });
      const ashaLine = await asha.line();
      network.cut();
      await line.once('disconnect');
      await asha.write(ravi, 'can you hear me?');
      // The client keeps it, and sends it when it is back.
      const kept = line.socket.timeout(10_000).emitWithAck('message:send', { conversationId, content: 'one moment', clientMessageId: randomUUID() });
      network.mend();
      await line.once('connect');

      const { message } = await kept;
      assert.equal((await ashaLine.once('message:new', says('one moment'))).id, message.id);
      assert.deepEqual(contents(await ravi.missed(conversationId, 2)), ['can you hear me?', 'one moment']);
    } finally {
      network.stop();
    }
  });

  for (const transports of [['websocket'], ['polling']]) {
    test(`by ${transports[0]} alone`, async () => {
      const { asha, ravi, conversationId } = await acquaintances(server);
      const [from, to] = [await asha.line({ transports }), await ravi.line({ transports })];
      await from.must('message:send', { conversationId, content: 'narrow road' });
      await to.once('message:new', says('narrow road'));
      await to.must('message:read', { conversationId, seq: 3 });
      await from.once('message:read');
    });
  }

  test('a server that restarts gracefully lets its clients come back by themselves', async () => {
    const short = await Server.start();
    try {
      const { asha, ravi, conversationId } = await acquaintances(short);
      const lines = [await asha.line(), await ravi.line({ transports: ['polling'] })];
      await short.stop();
      await Promise.all(lines.map((line) => line.once('disconnect')));
      await short.start();
      await Promise.all(lines.map((line) => line.once('connect', undefined, 10_000)));
      await lines[0].must('message:send', { conversationId, content: 'where were we?' });
      await lines[1].once('message:new', says('where were we?'));
    } finally {
      await short.stop();
    }
  });
});

describe('two replicas', () => {
  let other;

  before(async () => {
    other = await Server.start();
  });
  after(() => other?.stop());

  test('the sender on one, the receiver on the other', async () => {
    const { asha, ravi, conversationId } = await friends(server);
    const from = await asha.line();
    const to = await ravi.at(other).line();
    await from.once('presence:changed', about(ravi, 'online'));

    await from.must('typing:start', { conversationId });
    assert.deepEqual(await to.once('typing:start'), { conversationId, userId: asha.id });
    const { message } = await from.must('message:send', { conversationId, content: 'across' });
    assert.deepEqual({ ...(await to.once('message:new')), clientMessageId: null }, { ...message, clientMessageId: null });
    await to.must('message:read', { conversationId, seq: message.seq });
    assert.equal((await from.once('message:read')).seq, message.seq);

    const over = await ravi.at(other).write(asha, 'and back, over REST');
    assert.equal((await from.once('message:new')).id, over.id);
    assert.equal((await asha.at(other).api.get('/presence', { userIds: ravi.id })).presence[0].status, 'online');

    to.close();
    await from.once('presence:changed', about(ravi, 'offline'), OFFLINE);
  });

  test('a phone that moves to the other replica never goes offline', async () => {
    const { asha, ravi } = await friends(server);
    const watching = await asha.line();
    const first = await ravi.line();
    await watching.once('presence:changed', about(ravi, 'online'));
    first.close();
    const second = await ravi.at(other).line();
    const message = await asha.write(ravi, 'still there?');
    assert.equal((await second.once('message:new')).id, message.id);
    assert.equal(watching.all('presence:changed').length, 1);
  });
});
