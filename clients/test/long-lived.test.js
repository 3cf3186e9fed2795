// A socket lives for hours, an access token for minutes. It runs beside the other files: it waits more than it works.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Person } from '../lib/people.js';
import { Server } from '../lib/server.js';
import { hangUp } from '../lib/socket.js';
import { expired } from '../lib/wait.js';

/** A socket may bring its new token a minute late. */
const GRACE = 60_000;

let server;

before(async () => {
  server = await Server.start({ JWT_EXPIRES_IN: '5s' });
});
after(async () => {
  hangUp();
  await server?.stop();
});

test('a socket that brings new tokens outlives the old ones; one that does not is closed', async () => {
  const [asha, ravi] = [await Person.register(server), await Person.register(server)];
  const [kept, forgotten] = [await asha.line(), await ravi.line()];
  const over = forgotten.isRevoked('TOKEN_EXPIRED', GRACE + 20_000);

  let waiting = true;
  over.finally(() => { waiting = false; }).catch(() => {});
  let outlived = 0;
  while (waiting) {
    const { token } = asha;
    await asha.api.refresh();
    await kept.must('auth:refresh', { token: asha.token });
    await expired(token);
    outlived += 1;
  }

  await over;
  await kept.must('presence:heartbeat', {});
  assert.deepEqual(kept.all('session:revoked'), []);
  assert.deepEqual(kept.all('disconnect'), []);
  assert.ok(outlived > GRACE / 5000, `${outlived} tokens`);
  await assert.rejects(ravi.line(), { message: 'TOKEN_EXPIRED' });
});
