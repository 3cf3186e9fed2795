// Groups: who is in, who may do what, what everybody hears, and what a phone that was away finds.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { bare, refused } from '../lib/api.js';
import { contents, says } from '../lib/hear.js';
import { Person, befriend } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

let server;

before(async () => {
  server = await Server.start();
});
after(() => server?.stop());
afterEach(hangUp);

/** Asha, her three friends, and a group of hers with the first two. */
async function group() {
  const names = ['Asha Kulkarni', 'Ravi Menon', 'Meera Iyer', 'Kabir Singh'];
  const people = [];
  // One after the other: of those who joined at once, the older account inherits.
  for (const fullName of names) people.push(await Person.register(server, { fullName }));
  const [asha, ravi, meera, kabir] = people;
  for (const friend of [ravi, meera, kabir]) await befriend(asha, friend);
  const made = await asha.api.http.post('/conversations', { name: ' Trip to Goa ', memberIds: [ravi.id, meera.id] });
  assert.equal(made.status, 201);
  const { conversation, members } = made.data;
  assert.deepEqual([conversation.name, conversation.memberCount, conversation.role], ['Trip to Goa', 3, 'owner']);
  assert.deepEqual(roles(members), { [asha.id]: 'owner', [ravi.id]: 'member', [meera.id]: 'member' });
  return { asha, ravi, meera, kabir, conversationId: conversation.id, path: `/conversations/${conversation.id}` };
}

const roles = (members) => Object.fromEntries(members.map((member) => [member.user.id, member.role]));
const say = async (person, conversationId, content, changes = {}) =>
  (await person.api.post('/messages', { conversationId, content, ...changes })).message;

describe('messages', () => {
  test('reach everybody on all devices, and are answered, edited, taken back and read', async () => {
    const { asha, ravi, meera, conversationId, path } = await group();
    const [phone, tablet] = [await asha.line(), await (await asha.secondPhone()).line()];
    const [ravis, meeras] = [await ravi.line(), await meera.line()];
    const { message } = await phone.must('message:send', { conversationId, content: 'where to?' });
    assert.deepEqual([message.seq, message.senderId, message.receiverId ?? null], [1, asha.id, null]);
    for (const line of [tablet, ravis, meeras]) assert.equal((await line.once('message:new')).id, message.id);

    const answer = await say(ravi, conversationId, 'the beach', { replyToId: message.id });
    assert.deepEqual([answer.seq, answer.replyTo.content, answer.replyTo.senderId], [2, 'where to?', asha.id]);
    for (const line of [phone, tablet, meeras]) {
      const told = await line.once('message:new', says('the beach'));
      assert.equal(told.replyTo.id, message.id);
    }

    const edited = await asha.api.patch(`/messages/${message.id}`, { content: 'where to, everybody?' });
    for (const line of [phone, tablet, ravis, meeras]) assert.deepEqual(await line.once('message:edited'), edited.message);
    await refused(403, 'FORBIDDEN', bare(server, meera.token).patch(`/messages/${message.id}`, { content: 'mine' }));

    await meera.api.post(`${path}/read`, { seq: 2 });
    for (const line of [phone, ravis]) {
      assert.deepEqual(await line.once('message:read'), { conversationId, userId: meera.id, seq: 2 });
    }
    assert.equal((await asha.api.get(path)).conversation.peerReadSeq, 0, 'Ravi has not read');
    await ravi.api.post(`${path}/read`, { seq: 2 });
    assert.equal((await asha.api.get(path)).conversation.peerReadSeq, 2);

    // The owner keeps order.
    await refused(403, 'FORBIDDEN', bare(server, meera.token).delete(`/messages/${answer.id}`));
    await asha.api.delete(`/messages/${answer.id}`);
    for (const line of [phone, tablet, ravis, meeras]) {
      const told = await line.once('message:deleted');
      assert.deepEqual([told.id, told.conversationId, told.seq], [answer.id, conversationId, 2]);
    }
    const [first, second] = await meera.missed(conversationId, 0);
    assert.deepEqual([first.content, typeof first.editedAt], ['where to, everybody?', 'string']);
    assert.deepEqual([second.isDeleted, second.content], [true, '']);
  });

  test('of two who blocked each other keep their numbers, and nothing else', async () => {
    const { asha, ravi, meera, conversationId, path } = await group();
    const answered = await say(ravi, conversationId, 'before');
    await meera.api.post('/safety/blocks', { userId: ravi.id });
    const meeras = await meera.line();
    await say(ravi, conversationId, 'after');
    const { messages, senders } = await (async () => {
      const answer = await say(asha, conversationId, 'yes', { replyToId: answered.id });
      const told = await meeras.once('message:new', says('yes'));
      assert.deepEqual([told.id, told.replyTo.content, told.replyTo.senderId ?? null], [answer.id, '', null]);
      const messages = await meera.missed(conversationId, 0);
      return { messages, senders: messages.map((message) => message.senderId ?? null) };
    })();
    assert.deepEqual(messages.map((message) => [message.seq, message.isHidden]), [[1, true], [2, true], [3, false]]);
    assert.deepEqual([contents(messages), senders], [['', '', 'yes'], [null, null, asha.id]]);
    assert.ok(!JSON.stringify([messages, meeras.all('message:new')]).includes(ravi.id));
    assert.equal((await meera.api.get('/messages/unread-count')).unreadCount, 1, "Asha's alone");
    const seen = await meera.api.get(path);
    assert.deepEqual(Object.keys(roles(seen.members)).sort(), [asha.id, meera.id].sort());
  });
});

test('members come, go, rise and leave, and the owner’s place is handed on', async () => {
  const { asha, ravi, meera, kabir, conversationId, path } = await group();
  const [ravis, meeras, kabirs] = [await ravi.line(), await meera.line(), await kabir.line()];
  await say(asha, conversationId, 'before');
  await refused(404, 'CONVERSATION_NOT_FOUND', bare(server, kabir.token).get(path));
  await refused(403, 'FORBIDDEN', bare(server, ravi.token).post(`${path}/members`, { memberIds: [kabir.id] }));
  const added = await asha.api.post(`${path}/members`, { memberIds: [kabir.id] });
  assert.equal(added.conversation.memberCount, 4);
  for (const line of [ravis, meeras, kabirs]) assert.deepEqual(await line.once('conversation:updated'), { conversationId });
  assert.equal((await kabirs.once('notification:new', (told) => told.notification.kind === 'group_added')).notification.subjectId, conversationId);
  assert.deepEqual(await kabir.missed(conversationId, 0), [], 'who comes later reads from there');

  assert.equal((await asha.api.patch(path, { name: 'Goa 2027' })).conversation.name, 'Goa 2027');
  await refused(403, 'FORBIDDEN', bare(server, meera.token).patch(path, { name: 'Mine' }));
  await asha.api.patch(`${path}/members/${meera.id}`, { role: 'admin' });
  await meera.api.delete(`${path}/members/${kabir.id}`);
  assert.deepEqual(await kabirs.once('conversation:removed'), { conversationId });
  await refused(404, 'CONVERSATION_NOT_FOUND', bare(server, kabir.token).post('/messages', { conversationId, content: 'hello?' }));
  await refused(403, 'FORBIDDEN', bare(server, meera.token).delete(`${path}/members/${asha.id}`));

  const handed = await asha.api.patch(`${path}/members/${ravi.id}`, { role: 'owner' });
  assert.deepEqual(roles(handed.members), { [asha.id]: 'admin', [ravi.id]: 'owner', [meera.id]: 'admin' });
  await ravi.api.post(`${path}/leave`, {});
  assert.deepEqual(await ravis.once('conversation:removed'), { conversationId });
  const left = await meera.api.get(path);
  assert.deepEqual(roles(left.members), { [asha.id]: 'owner', [meera.id]: 'admin' }, 'the longest-standing admin');
  assert.deepEqual((await ravi.api.get('/conversations')).conversations, []);
});

test('a phone that was away finds exactly what it missed, over all its conversations', async () => {
  const { asha, ravi, meera, conversationId, path } = await group();
  const early = await say(asha, conversationId, 'early');
  const gone = await say(asha, conversationId, 'never mind');
  await ravi.write(meera, 'untouched');
  const line = await meera.line();
  const start = await meera.api.get('/conversations/changes', { since: new Date(0).toISOString() });
  assert.equal(start.nextCursor, null);
  const known = new Set(start.changes.flatMap((change) => change.messages.map((message) => message.id)));
  assert.equal(known.size, 3);
  line.close();

  await say(ravi, conversationId, 'one');
  await say(asha, conversationId, 'two');
  await asha.api.patch(`/messages/${early.id}`, { content: 'early, edited' });
  await asha.api.delete(`/messages/${gone.id}`);
  await asha.api.patch(path, { name: 'Renamed' });
  const direct = await asha.write(meera, 'directly');

  const back = await meera.line();
  const found = await meera.api.get('/conversations/changes', { since: start.syncedAt });
  // It looks back a little further than it was asked; what the phone has already, it knows by its id.
  const all = found.changes.flatMap((change) => [...change.messages, ...change.changed]);
  const news = all.filter((message) => !known.has(message.id));
  assert.deepEqual(contents(news).sort(), ['directly', 'one', 'two']);
  const again = Object.fromEntries(all.filter((message) => known.has(message.id)).map((message) => [message.id, message]));
  assert.deepEqual([again[early.id].content, again[gone.id].isDeleted], ['early, edited', true]);
  const byId = Object.fromEntries(found.changes.map(({ conversation }) => [conversation.id, conversation]));
  assert.deepEqual([byId[conversationId].name, byId[conversationId].unreadCount], ['Renamed', 3]);
  assert.equal(byId[direct.conversationId].unreadCount, 1);
  await asha.write(meera, 'live again');
  await back.once('message:new', says('live again'));
  assert.deepEqual(contents(back.all('message:new')), ['live again'], 'nothing twice');
});
