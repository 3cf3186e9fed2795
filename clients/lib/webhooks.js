// Stands where LiveKit takes the server to be, and keeps its webhooks as they were signed: to be delivered late, twice,
// in another order, or not at all.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { eventually } from './wait.js';

const ANSWER = 10_000;
/** LiveKit tells within moments; only of somebody whose connection broke, after it gave up waiting for them. */
const TOLD = 30_000;

export class Webhooks {
  /** Everything LiveKit sent, in the order it came. */
  deliveries = [];
  #server;
  #target;

  static async start(target) {
    const webhooks = new Webhooks();
    webhooks.#target = target;
    webhooks.#server = createServer((request, response) => webhooks.#take(request, response));
    webhooks.#server.listen(0, '127.0.0.1');
    await once(webhooks.#server, 'listening');
    return webhooks;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  /** Brings one to the server; the status it answers. */
  async deliver({ headers, body }) {
    const answer = await fetch(this.#target, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER) });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Waits until LiveKit has told `count` times of this, of whoever has this identity. */
  async told(event, identity, count) {
    const suits = (told) => told.event === event && told.participant?.identity === identity;
    await eventually(TOLD, `LiveKit tells ${count} times of ${event}`, () => {
      return this.deliveries.filter(({ told }) => suits(told)).length >= count;
    });
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const { authorization, 'content-type': type } = request.headers;
    this.deliveries.push({ headers: { Authorization: authorization, 'Content-Type': type }, body, told: JSON.parse(body) });
    response.end();
  }
}
