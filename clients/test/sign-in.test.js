// Signing in: Firebase says whose phone it is, Banter says who that is.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { Api, bare, refused } from '../lib/api.js';
import { Emulator } from '../lib/emulator.js';
import { Person, firebaseToken, randomPhone, randomUsername, registration } from '../lib/people.js';
import { Server } from '../lib/server.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('through the Firebase Auth emulator', () => {
  const PROJECT = 'demo-banter';
  let emulator;
  let server;

  before(async () => {
    emulator = await Emulator.start(PROJECT);
    server = await Server.start({ FIREBASE_PROJECT_ID: PROJECT, FIREBASE_AUTH_EMULATOR_HOST: emulator.host });
  });
  after(async () => {
    await server?.stop();
    await emulator?.stop();
  });

  test('two people sign in by phone, register, and are known the next time', async () => {
    const people = await Promise.all([signUp('Asha Kulkarni', 'female'), signUp('Ravi Menon', 'male')]);
    assert.notEqual(people[0].id, people[1].id);

    async function signUp(fullName, gender) {
      const phone = randomPhone();
      const { idToken, localId } = await emulator.signInByPhone(phone);
      const api = new Api(server.url);

      const stranger = await api.post('/auth/verify-firebase', { firebaseToken: idToken });
      assert.deepEqual(
        { ...stranger, message: typeof stranger.message },
        { success: true, isNewUser: true, firebaseUid: localId, phoneNumber: phone, message: 'string' },
      );

      const form = registration(idToken, { fullName, gender });
      const registered = await api.http.post('/auth/register', form);
      assert.equal(registered.status, 201);
      assert.match(registered.data.user.id, UUID);
      assert.ok(registered.data.accessToken && registered.data.refreshToken);

      // Another day: Firebase gives the same person another token.
      const again = await emulator.signInByPhone(phone);
      assert.equal(again.localId, localId);
      const known = await api.post('/auth/verify-firebase', { firebaseToken: again.idToken });
      assert.ok(known.accessToken && known.refreshToken);
      assert.equal(known.isNewUser, false);
      assert.deepEqual(known.user, {
        id: registered.data.user.id,
        phoneNumber: phone,
        fullName,
        avatar: null,
        username: form.username,
        coins: 100,
        isPremium: false,
      });
      return known.user;
    }
  });

  test('a Firebase login without a phone is refused', async () => {
    const { idToken } = await emulator.signInAnonymously();
    await refused(400, 'PHONE_NUMBER_REQUIRED', bare(server).post('/auth/verify-firebase', { firebaseToken: idToken }));
  });
});

describe('with unsigned tokens', () => {
  let server;

  before(async () => {
    server = await Server.start();
  });
  after(() => server?.stop());

  const verify = (token) => bare(server).post('/auth/verify-firebase', { firebaseToken: token });
  const register = (changes) => {
    const token = firebaseToken(randomBytes(14).toString('hex'), randomPhone());
    return bare(server).post('/auth/register', registration(token, changes));
  };

  test('a new person registers and sees their own profile', async () => {
    const person = await Person.register(server, { dateOfBirth: '1998-04-23T00:00:00.000Z' });
    const { success, user } = await person.api.get('/auth/me');
    assert.equal(success, true);
    const { createdAt, ...rest } = user;
    assert.ok(Math.abs(Date.now() - Date.parse(createdAt)) < 60_000, createdAt);
    const expected = {
      id: person.id,
      phoneNumber: person.identity.phone,
      email: null,
      username: person.user.username,
      fullName: 'Asha Kulkarni',
      avatar: null,
      bio: null,
      gender: 'female',
      dateOfBirth: '1998-04-23',
      language: 'en',
      isVerified: true,
      interests: [],
      coins: 100,
      isPremium: false,
      premiumUntil: null,
    };
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(rest[field], value, field);
  });

  test('the profile changes, field by field', async () => {
    const person = await Person.register(server);
    const before = (await person.api.get('/auth/me')).user;
    const { user } = await person.api.patch('/users/me', { bio: 'Chai first', language: 'hi', interests: ['cricket'] });
    assert.deepEqual(user, { ...before, bio: 'Chai first', language: 'hi', interests: ['cricket'] });
    assert.equal((await person.api.patch('/users/me', { bio: null })).user.bio, null);
  });

  test('a phone can name its push token', async () => {
    const person = await Person.register(server);
    const fcmToken = randomBytes(60).toString('base64url');
    assert.equal((await person.api.put('/users/me/device', { fcmToken, platform: 'android' })).success, true);
    assert.equal((await person.api.get('/auth/sessions')).sessions[0].platform, 'android');
  });

  test('tokens that are not Firebase’s, or no longer, or another project’s are refused', async () => {
    const [uid, phone] = [randomBytes(14).toString('hex'), randomPhone()];
    const now = Math.floor(Date.now() / 1000);
    const bad = {
      'not a token': 'let me in',
      'an empty one': '',
      expired: firebaseToken(uid, phone, { iat: now - 7200, auth_time: now - 7200, exp: now - 3600 }),
      'another project’s': firebaseToken(uid, phone, { aud: 'somebody-else' }),
      'another issuer’s': firebaseToken(uid, phone, { iss: 'https://securetoken.google.com/somebody-else' }),
      'from the future': firebaseToken(uid, phone, { iat: now + 3600 }),
      'nobody’s': firebaseToken('', phone),
      'signed by nobody': `${firebaseToken(uid, phone)}c2lnbmVk`,
    };
    for (const [what, token] of Object.entries(bad)) {
      await refused(401, 'FIREBASE_TOKEN_INVALID', verify(token)).catch((error) => assert.fail(`${what}: ${error.message}`));
    }
  });

  test('people under 18 are turned away', async () => {
    const birth = new Date();
    birth.setUTCFullYear(birth.getUTCFullYear() - 17);
    await refused(400, 'AGE_RESTRICTED', register({ dateOfBirth: birth.toISOString().slice(0, 10) }));
  });

  test('a username is one person’s, in whatever case', async () => {
    const person = await Person.register(server, { username: `Ravi_${randomBytes(5).toString('hex')}` });
    const { username } = person.user;
    await refused(400, 'USERNAME_TAKEN', register({ username: username.toLowerCase() }));
    await refused(400, 'USERNAME_TAKEN', register({ username: username.toUpperCase() }));

    const other = await Person.register(server);
    const available = async (who, username) =>
      (await who.api.get('/users/username-available', { username })).available;
    assert.equal(await available(other, username.toUpperCase()), false);
    assert.equal(await available(person, username), true, 'one’s own name');
    assert.equal(await available(other, randomUsername()), true);
  });

  test('a form with mistakes says which', async () => {
    const form = { fullName: 'A', username: 'no spaces', dateOfBirth: '30/02/1998' };
    const { details } = await refused(400, 'VALIDATION_FAILED', register(form));
    assert.deepEqual(Object.keys(details.fields).sort(), ['dateOfBirth', 'fullName', 'username']);
    await refused(400, 'VALIDATION_FAILED', register({ gender: 'robot' }));

    const raw = (body, type) =>
      bare(server).post('/auth/register', body, { headers: { 'Content-Type': type }, transformRequest: (body) => body });
    await refused(400, 'VALIDATION_FAILED', raw('{"firebaseToken": ', 'application/json'));
    await refused(415, 'UNSUPPORTED_MEDIA_TYPE', raw('firebaseToken=x', 'application/x-www-form-urlencoded'));
  });

  test('a phone number has one account', async () => {
    const { uid, phone } = (await Person.register(server)).identity;
    const again = registration(firebaseToken(uid, phone));
    await refused(409, 'ALREADY_REGISTERED', bare(server).post('/auth/register', again));
  });

  test('without a token, or with a bad one, nobody is anybody', async () => {
    await refused(401, 'TOKEN_REQUIRED', bare(server).get('/auth/me'));
    await refused(403, 'TOKEN_INVALID', bare(server, 'nonsense').get('/auth/me'));
    const { refreshToken } = (await Person.register(server)).api.store;
    await refused(403, 'TOKEN_INVALID', bare(server, refreshToken).get('/auth/me'));
  });
});
