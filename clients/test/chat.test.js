// Two people chat, over sockets and REST.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';

import { bare, refused } from '../lib/api.js';
import { OFFLINE, about, contents, says } from '../lib/hear.js';
import { Person, acquaintances, friends } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

let server;

before(async () => {
  server = await Server.start();
});
after(() => server?.stop());
afterEach(hangUp);

describe('messages', () => {
  test('a message is stored, acknowledged and delivered in the same shape', async () => {
    const [asha, ravi] = [await Person.register(server), await Person.register(server)];
    const [from, to] = [await asha.line(), await ravi.line()];
    const clientMessageId = randomUUID();
    const { message } = await from.must('message:send', { receiverId: ravi.id, content: ' Kya haal hai? 🙂 ', clientMessageId });

    const { id, conversationId, createdAt, ...rest } = message;
    assert.deepEqual(rest, {
      seq: 1,
      senderId: asha.id,
      receiverId: ravi.id,
      messageType: 'text',
      content: 'Kya haal hai? 🙂',
      clientMessageId,
      isRead: false,
      media: null,
      mediaUrl: null,
      replyTo: null,
      gift: null,
      editedAt: null,
      isDeleted: false,
      isHidden: false,
    });
    assert.ok(id && conversationId);
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    assert.equal((await to.once('message:new')).id, id);

    const history = await ravi.api.get(`/messages/${asha.id}`);
    assert.equal(history.conversationId, conversationId);
    assert.equal(history.lastSeq, 1);
    assert.equal(history.hasMore, false);
    assert.deepEqual(history.messages.map((message) => message.id), [id]);

    const reply = await ravi.api.http.post('/messages', { conversationId, content: 'Sab badhiya', messageType: 'text' });
    assert.equal(reply.status, 201);
    assert.equal(reply.data.message.seq, 2);
    assert.equal((await from.once('message:new')).id, reply.data.message.id);
  });

  test('the same clientMessageId is the same message, whichever way it comes', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const [from, to] = [await asha.line(), await ravi.line()];
    const body = { receiverId: ravi.id, content: 'once', messageType: 'text', clientMessageId: randomUUID() };

    const first = await asha.api.http.post('/messages', body);
    const second = await asha.api.http.post('/messages', body);
    const third = await from.must('message:send', { ...body, receiverId: undefined, conversationId });
    assert.deepEqual([first.status, second.status], [201, 200]);
    assert.equal(second.data.message.id, first.data.message.id);
    assert.equal(third.message.id, first.data.message.id);

    await from.must('message:send', { conversationId, content: 'twice' });
    await to.once('message:new', says('twice'));
    assert.deepEqual(contents(to.all('message:new')), ['once', 'twice'], 'the repeats were told to nobody');
    await from.mustNot('message:send', { ...body, content: 'another' }, 'CLIENT_MESSAGE_ID_REUSED');
  });

  test('a request repeated with its Idempotency-Key gets its first answer again', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const post = (content, key) =>
      bare(server, asha.token).post('/messages', { receiverId: ravi.id, content }, { headers: { 'Idempotency-Key': key } });
    const key = randomUUID();
    const [first, second] = [await post('once', key), await post('once', key)];
    assert.equal(second.status, first.status);
    assert.deepEqual(second.data, first.data);
    const other = await post('other', key).catch((error) => error.response);
    assert.equal(other.status, 422);
    assert.equal((await post('once', randomUUID())).data.message.seq, 4, 'another key is another message');
    assert.deepEqual(contents(await ravi.missed(conversationId, 2)), ['once', 'once']);
  });

  test('the sender’s second phone hears of it, the socket that sent it does not', async () => {
    const { asha, ravi } = await acquaintances(server);
    const [phone, tablet] = [await asha.line(), await (await asha.secondPhone()).line()];
    await phone.must('message:send', { receiverId: ravi.id, content: 'from the phone' });
    await tablet.once('message:new', says('from the phone'));

    // What the tablet sends reaches the phone after anything the phone was to hear of its own message.
    await tablet.must('message:send', { receiverId: ravi.id, content: 'from the tablet' });
    await phone.once('message:new', says('from the tablet'));
    assert.deepEqual(contents(phone.all('message:new')), ['from the tablet']);
    assert.deepEqual(contents(tablet.all('message:new')), ['from the phone']);
  });

  test('what one socket sends without waiting stays in order', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const line = await asha.line();
    const words = Array.from({ length: 50 }, (_, n) => `word ${n}`);
    await Promise.all(words.map((content) => line.must('message:send', { conversationId, content })));
    assert.deepEqual(contents(await ravi.missed(conversationId, 2)), words);
  });

  test('history pages both ways', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    for (let n = 3; n <= 12; n += 1) await (n % 2 ? asha.write(ravi, `${n}`) : ravi.write(asha, `${n}`));
    const page = async (params) => {
      const answer = await asha.api.get(`/conversations/${conversationId}/messages`, params);
      return [answer.messages.map((message) => message.seq), answer.hasMore];
    };
    assert.deepEqual(await page({ limit: 5 }), [[12, 11, 10, 9, 8], true]);
    assert.deepEqual(await page({ limit: 5, beforeSeq: 8 }), [[7, 6, 5, 4, 3], true]);
    assert.deepEqual(await page({ limit: 5, beforeSeq: 3 }), [[2, 1], false]);
    assert.deepEqual(await page({ limit: 5, afterSeq: 6 }), [[7, 8, 9, 10, 11], true]);
    assert.deepEqual(await page({ limit: 5, afterSeq: 12 }), [[], false]);
    assert.deepEqual((await page({}))[0].length, 12);
    await refused(400, 'VALIDATION_FAILED', bare(server, asha.token).get(`/conversations/${conversationId}/messages?limit=101`));
    const stranger = await Person.register(server);
    await refused(404, 'CONVERSATION_NOT_FOUND', bare(server, stranger.token).get(`/conversations/${conversationId}/messages`));
  });
});

describe('typing and reading', () => {
  test('typing reaches the other one, and not oneself', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const [from, to] = [await asha.line(), await ravi.line()];
    for (const event of ['typing:start', 'typing:stop']) {
      await from.must(event, { conversationId });
      assert.deepEqual(await to.once(event), { conversationId, userId: asha.id });
      assert.deepEqual(from.all(event), []);
    }
    const stranger = await (await Person.register(server)).line();
    await stranger.mustNot('typing:start', { conversationId }, 'CONVERSATION_NOT_FOUND');
  });

  test('read marks and unread counts', async () => {
    const { asha, ravi, conversationId } = await acquaintances(server);
    const sent = [];
    for (const word of ['ek', 'do', 'teen']) sent.push(await asha.write(ravi, word));
    const [ashaLine, raviLine, tablet] = [await asha.line(), await ravi.line(), await (await ravi.secondPhone()).line()];
    const conversation = async (who) => (await who.api.get('/conversations')).conversations[0];
    const unread = async (who) => (await who.api.get('/messages/unread-count')).unreadCount;

    let raviSees = await conversation(ravi);
    assert.equal(raviSees.id, conversationId);
    assert.equal(raviSees.kind, 'direct');
    assert.deepEqual(raviSees.peer, { id: asha.id, username: asha.user.username, fullName: 'Asha Kulkarni', avatar: null });
    assert.equal(raviSees.lastMessage.content, 'teen');
    assert.equal(raviSees.lastMessageAt, sent[2].createdAt);
    // Asha's first message and her last three; his own answer in between does not count.
    assert.deepEqual([raviSees.lastSeq, raviSees.lastReadSeq, raviSees.unreadCount, await unread(ravi)], [5, 0, 4, 4]);

    assert.equal((await raviLine.must('message:read', { conversationId, seq: 4 })).seq, 4);
    const mark = { conversationId, userId: ravi.id, seq: 4 };
    assert.deepEqual(await ashaLine.once('message:read'), mark);
    assert.deepEqual(await tablet.once('message:read'), mark);
    raviSees = await conversation(ravi);
    assert.deepEqual([raviSees.lastReadSeq, raviSees.unreadCount, await unread(ravi)], [4, 1, 1]);
    const ashaSees = (await asha.api.get(`/conversations/${conversationId}`)).conversation;
    assert.equal(ashaSees.peerReadSeq, 4);
    const read = (await asha.missed(conversationId, 0)).filter((message) => message.senderId === asha.id);
    assert.deepEqual(read.map((message) => message.isRead), [true, true, true, false]);

    // A mark never moves back, and never past the end.
    assert.equal((await ravi.api.post(`/conversations/${conversationId}/read`, { seq: 2 })).seq, 4);
    assert.equal((await ravi.api.post(`/conversations/${conversationId}/read`, { seq: 99 })).seq, 5);
    assert.equal((await ashaLine.once('message:read')).seq, 5);
    assert.equal(await unread(ravi), 0);
  });
});

describe('presence', () => {
  test('friends see each other come and go, and a short absence goes unseen', async () => {
    const { asha, ravi } = await friends(server);
    const status = async () => (await asha.api.get('/presence', { userIds: ravi.id })).presence[0].status;
    assert.equal(await status(), 'offline');

    const watching = await asha.line();
    const phone = await ravi.line();
    const online = await watching.once('presence:changed', about(ravi, 'online'));
    assert.deepEqual(online, { userId: ravi.id, status: 'online', lastSeen: null });
    assert.equal(await status(), 'online');

    phone.close();
    const again = await ravi.line();
    assert.equal(await status(), 'online');
    const closed = Date.now();
    again.close();
    const offline = await watching.once('presence:changed', about(ravi, 'offline'), OFFLINE);
    assert.ok(Date.parse(offline.lastSeen) >= closed, 'last seen after the last socket closed');
    assert.equal(await status(), 'offline');
    assert.deepEqual(watching.all('presence:changed').map((presence) => presence.status), ['online', 'offline']);
  });

  test('a stranger is neither told nor answered', async () => {
    const { asha, ravi } = await friends(server);
    const stranger = await Person.register(server);
    const [nosy, friend] = [await stranger.line(), await asha.line()];
    await stranger.write(ravi, 'who are you?'); // writing makes no friends
    await ravi.line();
    await friend.once('presence:changed', about(ravi, 'online'));
    await nosy.must('presence:heartbeat', {});
    assert.deepEqual(nosy.all('presence:changed'), []);
    assert.deepEqual((await stranger.api.get('/presence', { userIds: `${ravi.id},${asha.id}` })).presence, []);
  });
});

describe('blocks', () => {
  test('a block ends it both ways, and its end resumes where it stood', async () => {
    const { asha, ravi, conversationId } = await friends(server);
    const [ashaLine, raviLine] = [await asha.line(), await ravi.line()];
    await ashaLine.once('presence:changed', about(ravi, 'online'));
    assert.equal((await asha.api.http.post('/safety/blocks', { userId: ravi.id, reason: 'rude' })).status, 201);

    for (const [from, line, to] of [[asha, ashaLine, ravi], [ravi, raviLine, asha]]) {
      const content = 'hello?';
      await refused(404, 'USER_NOT_FOUND', bare(server, from.token).post('/messages', { receiverId: to.id, content, messageType: 'text' }));
      await line.mustNot('message:send', { receiverId: to.id, content }, 'USER_NOT_FOUND');
      await line.mustNot('message:send', { conversationId, content }, 'CONVERSATION_NOT_FOUND');
      await line.mustNot('message:read', { conversationId, seq: 2 }, 'CONVERSATION_NOT_FOUND');
      await line.mustNot('typing:start', { conversationId }, 'CONVERSATION_NOT_FOUND');
      await refused(404, 'USER_NOT_FOUND', bare(server, from.token).get(`/messages/${to.id}`));
      await refused(404, 'CONVERSATION_NOT_FOUND', bare(server, from.token).get(`/conversations/${conversationId}`));
      assert.deepEqual((await from.api.get('/conversations')).conversations, []);
      assert.deepEqual((await from.api.get('/presence', { userIds: to.id })).presence, []);
      assert.equal((await from.api.get('/messages/unread-count')).unreadCount, 0);
    }
    const { blocks } = await asha.api.get('/safety/blocks');
    assert.deepEqual(blocks.map((block) => [block.userId, block.username]), [[ravi.id, ravi.user.username]]);
    assert.deepEqual((await ravi.api.get('/safety/blocks')).blocks, [], 'who is blocked does not learn of it');
    await refused(404, 'NOT_BLOCKED', bare(server, ravi.token).delete(`/safety/blocks/${asha.id}`));

    await asha.api.delete(`/safety/blocks/${ravi.id}`);
    const { message } = await raviLine.must('message:send', { conversationId, content: 'sorry' });
    assert.equal(message.seq, 3, 'nothing was stored meanwhile');
    await ashaLine.once('message:new', says('sorry'));
    assert.deepEqual(raviLine.all('message:new'), []);
  });
});
