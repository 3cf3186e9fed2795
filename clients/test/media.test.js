// Uploads in Azure's own emulator: what is stored there, and who can read it by which link.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import axios from 'axios';

import { bare, refused } from '../lib/api.js';
import { Azurite } from '../lib/azurite.js';
import { Database } from '../lib/database.js';
import { Person, acquaintances } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';
import { eventually } from '../lib/wait.js';

let azurite;
let database;
let server;
let asha;

before(async () => {
  azurite = await Azurite.start();
  database = Database.create();
  server = await Server.start({ AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString, ...database.env });
  asha = await Person.register(server);
});

after(async () => {
  await server?.stop();
  await azurite?.stop();
  database?.drop();
});
afterEach(hangUp);

const upload = async (purpose, bytes, name = 'photo.jpg') => {
  const form = new FormData();
  form.append('file', new Blob([bytes], { type: 'application/octet-stream' }), name);
  const answer = await bare(server, asha.token).post(`/uploads?purpose=${purpose}`, form);
  return answer.data;
};

const read = (url) => axios.get(url, { responseType: 'arraybuffer', validateStatus: null, timeout: 10_000 });

/** What ImageMagick makes of these arguments. */
// Other programs go by the name of `convert`: the system's own is meant, or version 7's `magick`.
const imagemagick = existsSync('/usr/bin/convert') ? '/usr/bin/convert' : 'magick';
const magick = async (ending, ...args) => {
  const folder = await mkdtemp(join(tmpdir(), 'banter-magick-'));
  try {
    const file = join(folder, `picture.${ending}`);
    const made = spawnSync(imagemagick, [...args, file], { encoding: 'utf8' });
    assert.equal(made.status, 0, `ImageMagick: ${made.error ?? made.stderr}`);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** Mono, 8 bits, 8 kHz. */
const silence = (seconds) => {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + seconds * 8000, 4);
  head.write('WAVEfmt ', 8);
  [16, 0x10001, 8000, 8000, 0x80001].forEach((word, at) => head.writeUInt32LE(word, 16 + 4 * at));
  head.write('data', 36);
  head.writeUInt32LE(seconds * 8000, 40);
  return Buffer.concat([head, Buffer.alloc(seconds * 8000, 0x80)]);
};

const place = '19.0760N 72.8777E GPSLatitude';

test('a private picture is in its container, and is read by its link alone', async () => {
  const photo = await magick('jpg', '-size', '600x400', 'plasma:', '-set', 'comment', place);
  assert.ok(photo.includes('GPSLatitude'), 'there is something to find');
  const media = await upload('chat', photo);
  assert.equal(media.contentType, 'image/jpeg');
  assert.match(media.mediaUrl, /\/chat-media\/[0-9a-f-]{36}\.jpg\?sv=/);
  const stored = await azurite.ask('GET', new URL(media.mediaUrl).pathname.replace('/devstoreaccount1', ''));
  assert.equal(stored.headers['content-type'], 'image/jpeg');
  assert.equal(stored.headers['cache-control'], 'private, max-age=2700, immutable');
  assert.ok(!stored.data.includes('GPSLatitude'), 'the place is gone');

  const byLink = await read(media.mediaUrl);
  assert.deepEqual([byLink.status, byLink.headers['content-type']], [200, 'image/jpeg']);
  assert.deepEqual(byLink.data, stored.data);
  assert.equal((await read(media.thumbnailUrl)).status, 200);
  const again = await asha.api.get(`/media/${media.mediaId}`);
  assert.equal(again.media.url, media.mediaUrl, 'the same link, for the phone to find in its cache');

  const link = new URL(media.mediaUrl);
  const without = (change) => {
    const url = new URL(link);
    change(url);
    return url.href;
  };
  for (const forged of [
    without((url) => (url.search = '')),
    without((url) => url.searchParams.delete('sig')),
    without((url) => url.searchParams.set('se', '2099-01-01T00:00:00Z')),
    without((url) => url.searchParams.set('sp', 'rw')),
    without((url) => (url.pathname = new URL(media.thumbnailUrl).pathname)),
  ]) {
    const answer = await read(forged);
    assert.ok([403, 404].includes(answer.status), `${forged}: ${answer.status}`);
  }
  const here = await read(`${server.url}/media/chat/${media.mediaId}.jpg`);
  assert.equal(here.status, 404, 'the server itself gives out nothing');
});

test('an avatar is read by anybody under a link that stays', async () => {
  const media = await upload('avatar', await magick('png', '-size', '900x900', 'plasma:'));
  assert.equal(media.expiresAt, null);
  assert.ok(!media.mediaUrl.includes('?'));
  const face = await read(media.mediaUrl);
  assert.deepEqual([face.status, face.headers['content-type']], [200, 'image/jpeg']);
  assert.equal(face.headers['cache-control'], 'public, max-age=31536000, immutable');
  const { user } = await asha.api.put('/users/me/avatar', { mediaId: media.mediaId });
  assert.equal(user.avatar, media.mediaUrl);

  await asha.api.delete('/users/me/avatar');
  // The collector comes once an hour: not while we wait.
  database.sql("update jobs set run_at = now() where unique_name = 'collect' and state = 'queued'");
  await eventually(30_000, 'both objects are deleted', async () => {
    const left = await Promise.all([media.mediaUrl, media.thumbnailUrl].map(read));
    return left.every((answer) => answer.status === 404);
  });
});

test('a recording of several parts arrives whole', async () => {
  // Larger than what is sent at once: it goes block by block.
  const sound = silence(290);
  const long = Buffer.concat([sound.subarray(0, 44), ...Array(4).fill(sound.subarray(44))]);
  long.writeUInt32LE(long.length - 8, 4);
  long.writeUInt32LE(long.length - 44, 40);
  long.writeUInt32LE(32_000, 24);
  long.writeUInt32LE(32_000, 28);
  const media = await upload('voice', long, 'note.wav');
  assert.equal(media.durationMs, 290_000);
  const byLink = await read(media.mediaUrl);
  assert.equal(byLink.headers['content-type'], 'audio/wav');
  assert.ok(long.equals(byLink.data), 'byte for byte');
});

/** An EXIF block as a phone writes one: GPS latitude and longitude, a date, and a software's name. */
const gpsExif = () => {
  const entry = (tag, type, count, value) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16BE(tag, 0);
    bytes.writeUInt16BE(type, 2);
    bytes.writeUInt32BE(count, 4);
    Buffer.isBuffer(value) ? value.copy(bytes, 8) : bytes.writeUInt32BE(value, 8);
    return bytes;
  };
  const directory = (...entries) => {
    const count = Buffer.alloc(2);
    count.writeUInt16BE(entries.length);
    return Buffer.concat([count, ...entries, Buffer.alloc(4)]);
  };
  const rationals = (...numbers) => {
    const bytes = Buffer.alloc(8 * numbers.length);
    numbers.forEach((number, at) => {
      bytes.writeUInt32BE(number, 8 * at);
      bytes.writeUInt32BE(1, 8 * at + 4);
    });
    return bytes;
  };
  const maker = Buffer.from('BanterPhone\0');
  const first = 8;
  const gps = first + 2 + 2 * 12 + 4;
  const data = gps + 2 + 4 * 12 + 4;
  return Buffer.concat([
    Buffer.from('Exif\0\0MM\0\x2a\0\0\0\x08', 'latin1'),
    directory(entry(0x010f, 2, maker.length, data), entry(0x8825, 4, 1, gps)),
    directory(
      entry(1, 2, 2, Buffer.from('N\0\0\0')),
      entry(2, 5, 3, data + maker.length),
      entry(3, 2, 2, Buffer.from('E\0\0\0')),
      entry(4, 5, 3, data + maker.length + 24),
    ),
    maker,
    rationals(19, 4, 33),
    rationals(72, 52, 39),
  ]);
};

test('where a picture was taken is in none of the stored bytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'banter-exif-'));
  try {
    const profile = join(folder, 'gps.app1');
    await writeFile(profile, gpsExif());
    const coordinates = gpsExif().subarray(-48);
    // In PNG ImageMagick compresses the same bytes, in the digits of hexadecimal numbers.
    for (const [ending, trace] of [['jpg', coordinates], ['jpg', 'BanterPhone'], ['png', 'Raw profile type']]) {
      const photo = await magick(ending, '-size', '120x80', 'plasma:', '-profile', `app1:${profile}`);
      assert.ok(photo.includes(trace), `${ending}: there is something to find`);
      const media = await upload('chat', photo);
      for (const url of [media.mediaUrl, media.thumbnailUrl]) {
        const { status, data } = await read(url);
        assert.equal(status, 200);
        for (const trace of ['Exif', 'BanterPhone', 'Raw profile', coordinates]) {
          assert.ok(!data.includes(trace), `${ending}: ${trace} is gone`);
        }
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('of a polyglot only the picture is stored', async () => {
  const php = Buffer.from('<?php system($_GET["c"]); ?>');
  const html = Buffer.from('<!doctype html><script>alert(document.domain)</script>');
  // The end of an empty archive, which is where readers of ZIP look first.
  const zip = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);
  const traces = ['<?php', '<script', '<!doctype', 'PK\x05\x06'];
  for (const ending of ['jpg', 'png', 'gif', 'webp']) {
    const picture = await magick(ending, '-size', '64x48', 'xc:teal');
    for (const [name, tail] of Object.entries({ php, html, zip })) {
      const media = await upload('chat', Buffer.concat([picture, tail]), `photo.${ending}.${name}`);
      assert.match(media.contentType, /^image\/(jpeg|png|gif)$/);
      assert.match(new URL(media.mediaUrl).pathname, /\.(jpg|png|gif)$/, 'the name is ours');
      const { data } = await read(media.mediaUrl);
      traces.forEach((trace) => assert.ok(!data.includes(trace), `${ending} and ${name}: ${trace}`));
    }
  }
  // The same words where the format has room for them, made by ImageMagick itself.
  for (const ending of ['jpg', 'png', 'gif']) {
    const picture = await magick(ending, '-size', '64x48', 'xc:teal', '-set', 'comment', `${php}${html}`);
    assert.ok(picture.includes('<?php'), `${ending}: there is something to find`);
    const media = await upload('chat', picture);
    const { data } = await read(media.mediaUrl);
    traces.forEach((trace) => assert.ok(!data.includes(trace), `a comment in ${ending}: ${trace}`));
  }
  // The other way round it is no picture at all.
  const behind = Buffer.concat([html, await magick('jpg', '-size', '8x8', 'xc:red')]);
  await refused(415, 'UNSUPPORTED_MEDIA_TYPE', upload('chat', behind));
});

test('bombs and wrong names are refused, or taken for what they are', async () => {
  for (const [ending, ...args] of [
    ['png', '-size', '15000x3400', 'xc:black', '-depth', '1'],
    ['jpg', '-size', '7200x7200', 'xc:black', '-quality', '1'],
    ['gif', '-size', '7200x7200', 'xc:black'],
  ]) {
    const bomb = await magick(ending, ...args);
    assert.ok(bomb.length < 2_000_000, `${ending}: small outside`);
    await refused(400, 'IMAGE_TOO_LARGE', upload('chat', bomb));
  }
  // A picture under another's name is what its content says; what nobody takes helps no name.
  const named = await upload('chat', await magick('png', '-size', '8x8', 'xc:red'), 'clip.mp4');
  assert.deepEqual([named.kind, named.contentType], ['image', 'image/jpeg']);
  for (const ending of ['tiff', 'psd', 'ppm', 'ico']) {
    const strange = await magick(ending, '-size', '8x8', 'xc:red');
    await refused(415, 'UNSUPPORTED_MEDIA_TYPE', upload('chat', strange, 'photo.jpg'));
  }
});

test("what ImageMagick makes is taken by its content, and what it cannot make good is refused", async () => {
  for (const [ending, args, contentType] of [
    ['jpg', ['-size', '80x60', 'plasma:', '-colorspace', 'CMYK'], 'image/jpeg'],
    ['png', ['-size', '80x60', 'plasma:', '-depth', '16'], 'image/jpeg'],
    ['png', ['-size', '1x1', 'xc:red'], 'image/jpeg'],
    ['png', ['-size', '80x60', 'xc:none', '-fill', 'red', '-draw', 'circle 40,30 50,30'], 'image/png'],
    ['gif', ['-delay', '5', '-size', '40x30', 'xc:red', 'xc:blue', '-loop', '0'], 'image/gif'],
  ]) {
    const media = await upload('chat', await magick(ending, ...args), 'holiday.exe');
    assert.equal(media.contentType, contentType, args.join(' '));
    assert.equal((await read(media.mediaUrl)).status, 200);
  }
  const bomb = await magick('png', '-size', '7200x7200', 'xc:black', '-depth', '1');
  assert.ok(bomb.length < 1_000_000, 'small outside');
  await refused(400, 'IMAGE_TOO_LARGE', upload('chat', bomb));
  await refused(415, 'UNSUPPORTED_MEDIA_TYPE', upload('chat', await magick('bmp', '-size', '8x8', 'xc:red'), 'photo.jpg'));
});

test('without storage an upload says so, and leaves nothing', async () => {
  const away = await Server.start({
    AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
    AZURE_STORAGE_CONTAINER_MEDIA: 'no-such-container',
  });
  try {
    const form = new FormData();
    form.append('file', new Blob([await magick('png', '-size', '8x8', 'xc:red')]), 'x.png');
    const somebody = await Person.register(away);
    const answer = await bare(away, somebody.token).post('/uploads?purpose=chat', form).catch((error) => error.response);
    assert.deepEqual([answer.status, answer.data.code], [503, 'STORAGE_UNAVAILABLE']);
  } finally {
    await away.stop();
  }
});

/** As the app does it: by its own client, whose header for JSON the form's takes the place of. */
const pick = async (person, bytes, purpose = 'chat', name = 'IMG_0001.jpg', type = 'image/jpeg') => {
  const form = new FormData();
  form.append('file', new Blob([bytes], { type }), name);
  const headers = { 'Content-Type': 'multipart/form-data' };
  return (await person.api.http.post('/uploads', form, { params: { purpose }, headers })).data;
};

/** A picture from Asha to Ravi, as each sees it. */
async function pictured(on) {
  const { asha, ravi, conversationId } = await acquaintances(on);
  const line = await ravi.line();
  const media = await pick(asha, await magick('jpg', '-size', '640x480', 'plasma:'));
  const body = { receiverId: ravi.id, messageType: 'image', mediaUrl: media.mediaUrl, content: 'look' };
  const { message } = await asha.api.post('/messages', body);
  const told = await line.once('message:new', (message) => message.messageType === 'image');
  return { asha, ravi, conversationId, media, message, told };
}

describe('a picture in a message', () => {
  test('is seen by whom it was sent to, and by nobody else', async () => {
    const { asha, ravi, conversationId, media, message, told } = await pictured(server);
    assert.deepEqual([told.id, told.content, told.mediaUrl], [message.id, 'look', media.mediaUrl]);
    const { id, kind, contentType, width, height } = told.media;
    assert.deepEqual([id, kind, contentType, width, height], [media.mediaId, 'image', 'image/jpeg', 640, 480]);
    const [whole, thumbnail] = await Promise.all([told.media.url, told.media.thumbnailUrl].map(read));
    assert.deepEqual([whole.status, whole.data.length, thumbnail.status], [200, media.bytes, 200]);
    assert.equal((await ravi.missed(conversationId, 2))[0].media.id, media.mediaId);
    assert.equal((await ravi.api.get(`/media/${media.mediaId}`)).media.url, media.mediaUrl);

    const stranger = await Person.register(server);
    await refused(404, 'MEDIA_NOT_FOUND', bare(server, stranger.token).get(`/media/${media.mediaId}`));
    const theft = { receiverId: asha.id, messageType: 'image', mediaUrl: media.mediaUrl, content: '' };
    for (const thief of [stranger, ravi]) {
      await refused(400, 'VALIDATION_FAILED', bare(server, thief.token).post('/messages', theft));
    }
  });

  test('is out of sight after a block, and there again when it ends', async () => {
    const { asha, ravi, conversationId, media } = await pictured(server);
    const ask = bare(server, ravi.token);
    await asha.api.post('/safety/blocks', { userId: ravi.id });
    await refused(404, 'MEDIA_NOT_FOUND', ask.get(`/media/${media.mediaId}`));
    await refused(404, 'CONVERSATION_NOT_FOUND', ask.get(`/conversations/${conversationId}/messages`));
    await refused(404, 'USER_NOT_FOUND', ask.get(`/messages/${asha.id}`));
    const since = new Date(0).toISOString();
    for (const path of ['/conversations', `/conversations/changes?since=${since}`]) {
      assert.ok(!JSON.stringify(await ravi.api.get(path)).includes(media.mediaId), path);
    }
    await refused(404, 'USER_NOT_FOUND', ask.post('/messages', { receiverId: asha.id, content: 'why?' }));
    await asha.api.delete(`/safety/blocks/${ravi.id}`);
    assert.equal((await ravi.api.get(`/media/${media.mediaId}`)).media.id, media.mediaId);
  });

  test('is gone with its message', async () => {
    const { ravi, asha, media, message } = await pictured(server);
    await asha.api.delete(`/messages/${message.id}`);
    for (const person of [asha, ravi]) {
      await refused(404, 'MEDIA_NOT_FOUND', bare(server, person.token).get(`/media/${media.mediaId}`));
    }
  });
});

test('a server that keeps media itself gives them by links that it signed, while they hold', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'banter-media-'));
  const own = await Server.start({ AZURE_STORAGE_CONNECTION_STRING: '', MEDIA_DIR: folder });
  try {
    const { asha, media, told } = await pictured(own);
    // Whatever name the server is known by elsewhere, it is here.
    const get = (link) => read(own.url + new URL(link).pathname + new URL(link).search);
    const whole = await get(told.mediaUrl);
    assert.deepEqual([whole.status, whole.headers['content-type'], whole.data.length], [200, 'image/jpeg', media.bytes]);

    const sign = (path, expires) => {
      const key = createHmac('sha256', process.env.JWT_SECRET).update('banter: links to media, version 1').digest();
      return createHmac('sha256', key).update(`${path}\n${expires}`).digest('hex');
    };
    const link = new URL(told.mediaUrl);
    const path = link.pathname.replace('/media/', '');
    const { expires, signature } = Object.fromEntries(link.searchParams);
    assert.equal(sign(path, expires), signature, 'this test signs as the server does');
    const past = Math.floor(Date.now() / 1000) - 1;
    const changed = signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    for (const [query, code] of [
      ['', 'MEDIA_LINK_INVALID'],
      [`?expires=${expires}`, 'MEDIA_LINK_INVALID'],
      [`?expires=${Number(expires) + 1}&signature=${signature}`, 'MEDIA_LINK_INVALID'],
      [`?expires=${expires}&signature=${changed}`, 'MEDIA_LINK_INVALID'],
      [`?expires=${past}&signature=${sign(path, past)}`, 'MEDIA_LINK_EXPIRED'],
    ]) {
      await refused(403, code, axios.get(own.url + link.pathname + query));
    }
    const thumbnail = new URL(told.media.thumbnailUrl).pathname;
    await refused(403, 'MEDIA_LINK_INVALID', axios.get(own.url + thumbnail + link.search));

    const face = await pick(asha, await magick('png', '-size', '300x300', 'plasma:'), 'avatar', 'me.png', 'image/png');
    assert.deepEqual([face.expiresAt, new URL(face.mediaUrl).search], [null, '']);
    assert.equal((await get(face.mediaUrl)).status, 200, 'anybody, without a link that was signed');
  } finally {
    await own.stop();
    await rm(folder, { recursive: true });
  }
});
