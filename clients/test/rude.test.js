// Clients that send nonsense, too much, or without being anybody: they are told so, and disturb nobody.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { contents } from '../lib/hear.js';
import { Person, acquaintances, friends } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

/** An id that nobody and nothing has. */
const nobody = '01890000-0000-7000-8000-000000000000';

let server;

before(async () => {
  server = await Server.start();
});
after(() => server?.stop());
afterEach(hangUp);

test('a malformed event gets a refusal, never silence, and the socket lives on', async () => {
  const { asha, ravi, conversationId } = await acquaintances(server);
  const line = await asha.line();
  const malformed = {
    'message:send': [
      { receiverId: ravi.id },
      { content: 'to whom?' },
      { receiverId: 'nobody', content: 'x' },
      { receiverId: 7, content: 'x' },
      { receiverId: ravi.id, conversationId, content: 'to whom of the two?' },
      { receiverId: ravi.id, content: { $gt: '' } },
      { receiverId: ravi.id, content: '' },
      { receiverId: ravi.id, content: 'x'.repeat(4001) },
      { receiverId: ravi.id, content: 'nul \0' },
      { receiverId: ravi.id, content: 'x', messageType: 'hologram' },
      { receiverId: ravi.id, content: 'x', clientMessageId: 'x'.repeat(65) },
      { receiverId: ravi.id, content: 'x', clientMessageId: 9 },
      { receiverId: asha.id, content: 'dear diary' },
      { receiverId: nobody, content: 'x' },
      { conversationId: nobody, content: 'x' },
    ],
    'message:read': [{ conversationId }, { conversationId, seq: 'all' }, { conversationId, seq: -1 }, { conversationId: nobody, seq: 1 }],
    'typing:start': [{ conversationId: 'x' }, { conversationId: nobody }],
    'typing:stop': [{ conversationId: 'x' }],
    'auth:refresh': [{ token: 5 }, { token: '' }],
  };
  for (const [event, payloads] of Object.entries(malformed)) {
    for (const payload of [...payloads, null, 'text', 42, true, [], [[]], {}, Buffer.from('bytes')]) {
      await line.mustNot(event, payload).catch((error) => assert.fail(`${event} ${JSON.stringify(payload)}: ${error.message}`));
    }
    const bare = await line.ask(event);
    assert.equal(bare?.success, false, `${event} without a payload`);
  }
  await line.mustNot('no:such:event', {});
  line.socket.emit('message:send', 'and no ear for the answer');
  await line.must('message:send', { receiverId: ravi.id, content: 'sorry about that' });
  assert.deepEqual(line.all('disconnect'), []);
  assert.deepEqual(contents(await ravi.missed(conversationId, 2)), ['sorry about that']);
});

test('a huge packet costs its sender the connection, and nobody else theirs', async () => {
  const { asha, ravi, conversationId } = await acquaintances(server);
  for (const transports of [['websocket'], ['polling']]) {
    const [rude, calm] = [await asha.line({ transports }), await ravi.line()];
    rude.socket.emit('message:send', { conversationId, content: 'x'.repeat(20_000_000) });
    await rude.once('disconnect', undefined, 10_000);
    await calm.must('presence:heartbeat', {});
  }
  assert.deepEqual(await ravi.missed(conversationId, 2), []);
});

test('who sends without end is told to slow down', async () => {
  const strict = await Server.start({ RATE_LIMIT_MULTIPLIER: '1' });
  try {
    const { asha, conversationId } = await acquaintances(strict);
    const line = await asha.line();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => line.ask('message:send', { conversationId, content: `${n}` })),
    );
    const no = answers.filter((answer) => !answer.success);
    assert.ok(no.length > 0 && no.every((answer) => answer.code === 'RATE_LIMITED'), JSON.stringify(no[0]));
    const stored = (await asha.missed(conversationId, 2)).length;
    assert.equal(stored, answers.length - no.length, 'what was acknowledged is stored, and nothing else');
  } finally {
    await strict.stop();
  }
});

test('nobody connects without a token of theirs', async () => {
  const person = await Person.register(server);
  const connect = (auth) => person.line({ auth });
  await assert.rejects(connect(undefined), { message: 'TOKEN_REQUIRED' });
  await assert.rejects(connect({}), { message: 'TOKEN_REQUIRED' });
  await assert.rejects(connect({ token: 'nonsense' }), { message: 'TOKEN_INVALID' });
  await assert.rejects(connect({ token: person.api.store.refreshToken }), { message: 'TOKEN_INVALID' });
  await assert.rejects(connect({ token: 42 }), /^Error: TOKEN_/);
  await assert.rejects(connect({ token: `${person.token}x` }), { message: 'TOKEN_INVALID' });
});

test('a crowd of sockets of one person is one person', async () => {
  const { asha, ravi } = await friends(server);
  const watching = await ravi.line();
  const lines = await Promise.all(Array.from({ length: 20 }, () => asha.line()));
  const message = await ravi.write(asha, 'so many of you');
  await Promise.all(lines.map((line) => line.once('message:new', (heard) => heard.id === message.id)));
  assert.ok(lines.every((line) => line.all('message:new').length === 1));
  await watching.once('presence:changed');
  assert.equal(watching.all('presence:changed').length, 1);
});
