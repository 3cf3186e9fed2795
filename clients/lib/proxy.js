// A stretch of network between a client and its server that can be cut.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';

export class Proxy {
  #server;
  #sockets = new Set();
  #up = true;

  static async start(port) {
    const proxy = new Proxy();
    proxy.#server = createServer((near) => {
      if (!proxy.#up) return near.destroy();
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [[near, far], [far, near]]) {
        proxy.#sockets.add(from);
        from.on('error', () => {}).on('close', () => {
          proxy.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Every connection breaks without a goodbye, and none comes through. */
  cut() {
    this.#up = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend() {
    this.#up = true;
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}
