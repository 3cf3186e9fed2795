// A stretch of network between a client and its server that can be cut.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';

export class Proxy {
  #server;
  #sockets = new Set();
  #up = true;
  #port;

  static async start(port) {
    const proxy = new Proxy();
    proxy.#port = port;
    proxy.#server = createServer((near) => {
      if (!proxy.#up) return near.destroy();
      const far = connect(proxy.#port, '127.0.0.1');
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
    for (const socket of this.#sockets) {
      // One that is not through yet would be reset only once it is.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** To whom it leads from now on; who is connected stays where they are. */
  leadTo(port) {
    this.#port = port;
  }

  mend() {
    this.#up = true;
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}
