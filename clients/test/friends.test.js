// Two people become friends, part, and lose sight of each other by a block.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { bare, refused } from '../lib/api.js';
import { about } from '../lib/hear.js';
import { Person, befriend, friends } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';

let server;

before(async () => {
  server = await Server.start();
});
after(() => server?.stop());
afterEach(hangUp);

/** Two who have never met, and a socket of each. */
async function strangers() {
  const [asha, ravi] = await Promise.all([
    Person.register(server),
    Person.register(server, { fullName: 'Ravi Menon', gender: 'male' }),
  ]);
  const [ashaLine, raviLine] = await Promise.all([asha.line(), ravi.line()]);
  return { asha, ravi, ashaLine, raviLine };
}

const standing = async (person, other) => (await person.api.get(`/users/${other.id}`)).user.relationship;
const listed = async (person) => (await person.api.get('/friends')).friends.map((friend) => friend.user.id);
const waiting = async (person, direction) => (await person.api.get('/friends/requests', { direction })).requests;
const found = async (person, q) => (await person.api.get('/users/search', { q })).people.map(({ user }) => user.id);

describe('a request', () => {
  test('waits, is accepted, and both sides hear of each step on all their devices', async () => {
    const { asha, ravi, ashaLine, raviLine } = await strangers();
    const tablet = await (await asha.secondPhone()).line();
    const body = { receiverId: ravi.id, message: ' We met in Pune 🙂 ' };
    const asked = await asha.api.http.post('/friends/requests', body);
    const { request } = asked.data;
    assert.deepEqual([asked.status, asked.data.relationship, request.message], [201, 'pending_out', 'We met in Pune 🙂']);
    for (const line of [ashaLine, tablet, raviLine]) assert.deepEqual(await line.once('friend:request'), { request });
    const repeated = await asha.api.http.post('/friends/requests', body);
    assert.deepEqual([repeated.status, repeated.data.request.id], [200, request.id]);
    assert.deepEqual(await waiting(asha, 'outgoing'), [request]);
    assert.deepEqual(await waiting(ravi, 'incoming'), [request]);
    assert.deepEqual([await standing(asha, ravi), await standing(ravi, asha)], ['pending_out', 'pending_in']);
    const { notification, unreadCount } = await raviLine.once('notification:new');
    assert.deepEqual([notification.kind, notification.actor.id, unreadCount], ['friend_request', asha.id, 1]);

    const accept = `/friends/requests/${request.id}/accept`;
    await refused(404, 'REQUEST_NOT_FOUND', bare(server, asha.token).post(accept, {}));
    await ravi.api.post(accept, {});
    for (const [line, other] of [[ashaLine, ravi], [tablet, ravi], [raviLine, asha]]) {
      const told = await line.once('friend:accepted');
      assert.deepEqual([told.requestId, told.user.id], [request.id, other.id]);
    }
    assert.deepEqual([await listed(asha), await listed(ravi)], [[ravi.id], [asha.id]]);
    assert.equal((await ashaLine.once('notification:new')).notification.kind, 'friend_accepted');
    await refused(409, 'ALREADY_FRIENDS', bare(server, ravi.token).post('/friends/requests', { receiverId: asha.id }));
  });

  test('that crosses another accepts it', async () => {
    const { asha, ravi, ashaLine, raviLine } = await strangers();
    const answers = await Promise.all([
      asha.api.post('/friends/requests', { receiverId: ravi.id }),
      ravi.api.post('/friends/requests', { receiverId: asha.id }),
    ]);
    assert.equal(answers[0].request.id, answers[1].request.id, 'it is one request');
    assert.deepEqual(answers.map((answer) => answer.relationship).sort(), ['friends', 'pending_out']);
    await Promise.all([ashaLine.once('friend:accepted'), raviLine.once('friend:accepted')]);
    assert.deepEqual([await standing(asha, ravi), await standing(ravi, asha)], ['friends', 'friends']);
    assert.deepEqual([await waiting(asha, 'incoming'), await waiting(asha, 'outgoing')], [[], []]);
  });

  test('that is refused cannot be made again at once, and its sender is not told', async () => {
    const { asha, ravi, ashaLine } = await strangers();
    const { request } = await asha.api.post('/friends/requests', { receiverId: ravi.id });
    await ravi.api.post(`/friends/requests/${request.id}/reject`, {});
    await refused(409, 'REQUEST_TOO_SOON', bare(server, asha.token).post('/friends/requests', { receiverId: ravi.id }));
    // Whom he refused he may ask himself, which his refusal's silence came before.
    await ravi.api.post('/friends/requests', { receiverId: asha.id });
    await ashaLine.once('friend:request', (told) => told.request.sender.id === ravi.id);
    await ashaLine.once('notification:new');
    assert.deepEqual(ashaLine.all('notification:new').map((told) => told.notification.kind), ['friend_request']);
    assert.deepEqual(ashaLine.all('friend:removed'), []);
  });

  test('is taken back by its sender', async () => {
    const { asha, ravi } = await strangers();
    const { request } = await asha.api.post('/friends/requests', { receiverId: ravi.id });
    await refused(404, 'REQUEST_NOT_FOUND', bare(server, ravi.token).delete(`/friends/requests/${request.id}`));
    await asha.api.delete(`/friends/requests/${request.id}`);
    assert.deepEqual(await waiting(ravi, 'incoming'), []);
    assert.deepEqual((await ravi.api.get('/notifications')).notifications, [], 'nothing to answer is left in the inbox');
    await refused(409, 'REQUEST_NOT_PENDING', bare(server, ravi.token).post(`/friends/requests/${request.id}/accept`, {}));
  });
});

describe('friends', () => {
  test('have friends in common', async () => {
    const { asha, ravi } = await friends(server);
    const meera = await Person.register(server, { fullName: 'Meera Iyer' });
    await befriend(asha, meera);
    await befriend(meera, ravi);
    const shared = await asha.api.get(`/users/${ravi.id}/friends/mutual`);
    assert.deepEqual(shared.people.map((user) => user.id), [meera.id]);
    assert.equal((await asha.api.get(`/users/${ravi.id}`)).user.mutualFriends, 1);
  });

  test('part, and both hear of it', async () => {
    const { asha, ravi } = await friends(server);
    const [ashaLine, raviLine] = [await asha.line(), await ravi.line()];
    await asha.api.delete(`/friends/${ravi.id}`);
    assert.deepEqual(await ashaLine.once('friend:removed'), { userId: ravi.id });
    assert.deepEqual(await raviLine.once('friend:removed'), { userId: asha.id });
    await refused(404, 'NOT_FRIENDS', bare(server, ravi.token).delete(`/friends/${asha.id}`));
    assert.deepEqual([await listed(asha), await standing(ravi, asha)], [[], 'none']);
  });
});

test('a block takes both out of search, profiles, friends and presence, and tells only its maker', async () => {
  const { asha, ravi } = await friends(server);
  const meera = await Person.register(server, { fullName: 'Meera Iyer' });
  await befriend(asha, meera);
  await befriend(ravi, meera);
  const [ashaLine, raviLine] = [await asha.line(), await ravi.line()];
  await ashaLine.once('presence:changed', about(ravi, 'online'));
  assert.deepEqual(await found(ravi, asha.user.username), [asha.id]);

  await asha.api.post('/safety/blocks', { userId: ravi.id });
  assert.deepEqual(await ashaLine.once('friend:removed'), { userId: ravi.id });
  for (const [person, other] of [[asha, ravi], [ravi, asha]]) {
    assert.deepEqual(await found(person, other.user.username), []);
    assert.deepEqual(await listed(person), [meera.id]);
    assert.deepEqual((await person.api.get('/presence', { userIds: other.id })).presence, []);
    const ask = bare(server, person.token);
    await refused(404, 'USER_NOT_FOUND', ask.post('/friends/requests', { receiverId: other.id }));
    await refused(404, 'USER_NOT_FOUND', ask.get(`/users/${other.id}/friends/mutual`));
    await refused(404, 'USER_NOT_FOUND', ask.delete(`/friends/${other.id}`));
    for (const { actor } of (await person.api.get('/notifications')).notifications) assert.notEqual(actor?.id, other.id);
  }
  await refused(404, 'USER_NOT_FOUND', bare(server, ravi.token).get(`/users/${asha.id}`));
  const { user } = await asha.api.get(`/users/${ravi.id}`);
  assert.deepEqual([user.relationship, user.bio ?? null, user.presence ?? null], ['blocked_by_me', null, null]);
  // What comes after it on the same line shows that nothing came before.
  await meera.write(ravi, 'hello');
  await raviLine.once('message:new');
  assert.deepEqual(raviLine.all('friend:removed'), [], 'who is blocked does not learn of it');

  await asha.api.delete(`/safety/blocks/${ravi.id}`);
  assert.equal(await standing(asha, ravi), 'none', 'its end brings no friendship back');
  assert.deepEqual(await found(ravi, asha.user.username), [asha.id]);
});
