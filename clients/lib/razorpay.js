// The stand-in for Razorpay that `banter dev` runs, by itself: its keys, its customers, and the webhook it tells.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import axios from 'axios';

import { Child } from './child.js';
import { BANTER } from './cli.js';
import { freePort } from './ports.js';

const DEADLINE = 20_000;
const letters = (count) => randomBytes(count).toString('hex').slice(0, count);

export class Razorpay {
  keys = {
    key_id: `rzp_test_${letters(14)}`,
    key_secret: letters(24),
    webhook_secret: letters(32),
    plan_monthly: `plan_${letters(14)}`,
    plan_yearly: `plan_${letters(14)}`,
  };
  /** What came to the webhook: the headers, and the body as it came. */
  told = [];
  #child;
  #dir;
  #webhook;

  static async start() {
    const razorpay = new Razorpay();
    const port = await freePort();
    razorpay.url = `http://127.0.0.1:${port}`;
    razorpay.#dir = await mkdtemp(join(tmpdir(), 'razorpay-'));
    const webhook = await razorpay.#listen();
    const file = join(razorpay.#dir, 'razorpay.json');
    const env = { BANTER_STAND_IN: JSON.stringify({ port, keys: razorpay.keys, file, webhook }) };
    razorpay.#child = new Child(BANTER, ['dev', 'razorpay'], { env, cwd: razorpay.#dir });
    await razorpay.#child.becomes('the stand-in for Razorpay answers', DEADLINE, async () => {
      const answer = await axios.get(`${razorpay.url}/sandbox/health`, { validateStatus: () => true }).catch(() => null);
      return answer?.status === 200;
    });
    return razorpay;
  }

  async #listen() {
    this.#webhook = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      this.told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.end();
    });
    this.#webhook.listen(0, '127.0.0.1');
    await once(this.#webhook, 'listening');
    return `http://127.0.0.1:${this.#webhook.address().port}/webhook`;
  }

  /** Settings of a server that sells through it. */
  get env() {
    const { key_id, key_secret, webhook_secret, plan_monthly, plan_yearly } = this.keys;
    return {
      RAZORPAY_API_URL: this.url,
      RAZORPAY_KEY_ID: key_id,
      RAZORPAY_KEY_SECRET: key_secret,
      RAZORPAY_WEBHOOK_SECRET: webhook_secret,
      RAZORPAY_PLAN_MONTHLY: plan_monthly,
      RAZORPAY_PLAN_YEARLY: plan_yearly,
    };
  }

  /** Its events go there from now on. */
  async tells(server) {
    await this.does('webhook', { url: `${server.url}/api/webhooks/razorpay` });
  }

  /** What people do: `orders/order_…/pay`. */
  async does(what, body = {}) {
    const answer = await axios.post(`${this.url}/sandbox/${what}`, body);
    return answer.data;
  }

  /** What it tells of itself: `events`, `requests`. */
  async ask(what) {
    return (await axios.get(`${this.url}/sandbox/${what}`)).data;
  }

  /** Waits until every event has come. */
  async settled() {
    await axios.get(`${this.url}/sandbox/settled`);
    return this.told;
  }

  async stop() {
    await this.#child?.end('SIGTERM', DEADLINE);
    this.#webhook?.closeAllConnections();
    this.#webhook?.close();
    if (this.#dir) await rm(this.#dir, { recursive: true });
  }
}
