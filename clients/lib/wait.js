// Waiting: always for something, never past a deadline.

import { setTimeout as pause } from 'node:timers/promises';

/** What `promise` comes to, or a failure that says `what` did not happen. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `check` again and again until it answers something. */
export async function eventually(ms, what, check) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await pause(25);
  }
}

/** The claims of a JWT, unchecked. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

/** Until this token has died, by its own `exp`. */
export async function expired(token) {
  await pause(Math.max(0, claims(token).exp * 1000 - Date.now()) + 10);
}
