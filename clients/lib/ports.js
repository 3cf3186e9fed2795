// Ports that are free, for servers that are told where to listen.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Below the range the kernel takes outgoing ports from: a client that keeps dialling a port nobody listens on can be
 * given that very port as its own, connect to itself, and keep a restarted server from binding it.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (given.has(port) || !(await free(port)) || !(await freeForUdp(port))) continue;
    given.add(port);
    return port;
  }
}

const given = new Set();

function free(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function freeForUdp(port) {
  return new Promise((resolve) => {
    const probe = createSocket('udp4');
    probe.once('error', () => resolve(false));
    probe.bind(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
