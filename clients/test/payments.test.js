// Money: whatever is delivered twice, late or never, whoever dies, each payment is credited once.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';

import axios from 'axios';
import Library from 'razorpay';
import { validatePaymentVerification } from 'razorpay/dist/utils/razorpay-utils.js';

import { bare } from '../lib/api.js';
import { banter } from '../lib/cli.js';
import { Database } from '../lib/database.js';
import { Person } from '../lib/people.js';
import { freePort } from '../lib/ports.js';
import { Razorpay } from '../lib/razorpay.js';
import { Server } from '../lib/server.js';
import { eventually } from '../lib/wait.js';

const ORDERS = 1000;
const PEOPLE = 20;
const COINS = { basic: 100, standard: 250, premium: 600, ultimate: 1500 };
const PACKAGES = Object.keys(COINS);
/** Orders that are paid and proven at once. */
const AT_ONCE = 24;
const DEADLINE = 150_000;

let database;
let razorpay;
let server;

before(async () => {
  razorpay = await Razorpay.start();
  database = Database.create();
  const METRICS_PORT = String(await freePort());
  server = await Server.start({ ...razorpay.env, ...database.env, METRICS_PORT, BANTER_LOG: 'info' });
  await razorpay.tells(server);
});
after(async () => {
  await server?.stop();
  await razorpay?.stop();
  database?.drop();
});

/** Does this with each, so many at a time. */
async function each(items, width, work) {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const [n, item] of queue) await work(item, n);
    }),
  );
}

/** Asks until there is an answer: whoever asks a server that dies is not answered. */
async function insist(what, ask) {
  return eventually(DEADLINE, what, async () => {
    try {
      return await ask();
    } catch (error) {
      const status = error.response?.status;
      if (status === undefined || status >= 500 || error.response.data.code === 'PAYMENT_PENDING') return null;
      throw new Error(`${what}: ${status} ${JSON.stringify(error.response.data)}`, { cause: error });
    }
  });
}

const proof = (order, transaction, paid) => ({
  orderId: order.id,
  paymentId: paid.razorpay_payment_id,
  signature: paid.razorpay_signature,
  transactionId: transaction.id,
});

test('a thousand orders, their webhooks three times in any order, two phones, two deaths: a thousand credits', { timeout: 290_000 }, async (t) => {
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => Person.register(server)));
  const phones = people.map(({ token }) => [bare(server, token), bare(server, token)]);
  const bought = new Array(PEOPLE).fill(0);
  const orders = Array.from({ length: ORDERS });
  await each(orders, AT_ONCE, async (_, n) => {
    const packageType = PACKAGES[n % PACKAGES.length];
    const answer = await phones[n % PEOPLE][0].post('/payments/create-order', { packageType });
    orders[n] = answer.data;
    bought[n % PEOPLE] += COINS[packageType];
  });

  await razorpay.does('mischief', { copies: 3, shuffle: true, hold: true });
  let done = 0;
  const deaths = [Math.floor(ORDERS / 3), Math.floor((2 * ORDERS) / 3)];
  const begun = Date.now();
  await each(orders, AT_ONCE, async ({ order, transaction }, n) => {
    const paid = await razorpay.does(`orders/${order.id}/pay`, { method: n % 2 ? 'upi' : 'card' });
    // Some are left to the webhooks alone.
    const both = n % 5 ? phones[n % PEOPLE] : [];
    const verify = (phone) => phone.post('/payments/verify', proof(order, transaction, paid));
    const answers = await Promise.all(both.map((phone) => insist(`order ${n} is proven`, () => verify(phone))));
    for (const { data } of answers) assert.equal(data.transaction.coins, COINS[PACKAGES[n % PACKAGES.length]]);
    done += 1;
    if (done === deaths[0]) await razorpay.does('release');
    if (deaths.includes(done)) {
      await server.kill();
      await server.start();
    }
  });
  await razorpay.does('mischief', { copies: 3, shuffle: true });
  await razorpay.does('release');
  await eventually(DEADLINE, 'every event is taken', async () => {
    await razorpay.settled();
    const { events } = await razorpay.ask('events');
    return events.every((event) => event.fate === 'taken');
  });
  t.diagnostic(`${ORDERS} orders in ${((Date.now() - begun) / 1000).toFixed(1)} s`);

  await eventually(DEADLINE, 'everybody has what they bought', async () => {
    const coins = await Promise.all(people.map(async ({ api }) => (await api.get('/auth/me')).user.coins));
    coins.forEach((coins, n) => assert.ok(coins <= 100 + bought[n], `${coins} coins, bought ${bought[n]}`));
    return coins.every((coins, n) => coins === 100 + bought[n]);
  });
  const audit = await banter(server, 'ledger', 'audit');
  assert.deepEqual(audit.findings, []);
  const { transactions } = await banter(server, 'payments', 'list', '--status', 'success', '--limit', '500');
  assert.equal(transactions.length, 500, 'as many as one page has');
  const compared = await banter(server, 'ledger', 'audit', '--razorpay');
  assert.deepEqual([compared.clean, compared.razorpay.payments, compared.razorpay.differences], [true, ORDERS, []]);
});

test('what is forged, altered or somebody else’s moves nothing', async () => {
  const [asha, ravi] = await Promise.all([Person.register(server), Person.register(server)]);
  const { order, transaction } = await asha.api.post('/payments/create-order', { packageType: 'ultimate' });
  for (const mischief of ['forge', 'alter']) {
    await razorpay.does('mischief', { [mischief]: true });
    const other = await asha.api.post('/payments/create-order', { packageType: 'basic' });
    await razorpay.does(`orders/${other.order.id}/pay`);
    const answers = await eventually(DEADLINE, 'its events are answered', async () => {
      const { events } = await razorpay.ask(`events?of=${other.order.id}`);
      return events.length > 0 && events.every(({ answers }) => answers.length > 0) && events.flatMap((event) => event.answers);
    });
    for (const { status, body } of answers) assert.deepEqual([status, JSON.parse(body).code], [401, 'WEBHOOK_SIGNATURE_INVALID']);
  }
  await razorpay.does('mischief', { lose: true });
  const paid = await razorpay.does(`orders/${order.id}/pay`);
  const good = proof(order, transaction, paid);
  const small = await ravi.api.post('/payments/create-order', { packageType: 'basic' });
  // Razorpay's own library says of each proof whether it is theirs.
  const isTheirs = ({ orderId, paymentId, signature }) =>
    validatePaymentVerification({ order_id: orderId, payment_id: paymentId }, signature, razorpay.keys.key_secret);
  const refused = async (person, body, code) => {
    assert.equal(isTheirs(body), code !== 'PAYMENT_SIGNATURE_INVALID');
    const answer = await bare(server, person.token).post('/payments/verify', body, { validateStatus: null });
    assert.equal(answer.data.code, code, JSON.stringify(answer.data));
  };
  await refused(ravi, good, 'ORDER_NOT_FOUND');
  await refused(ravi, { ...good, orderId: small.order.id, transactionId: small.transaction.id }, 'PAYMENT_SIGNATURE_INVALID');
  await refused(asha, { ...good, signature: good.signature.replace(/^./, (c) => (c === '0' ? '1' : '0')) }, 'PAYMENT_SIGNATURE_INVALID');
  await refused(asha, { ...good, paymentId: 'pay_00000000000000' }, 'PAYMENT_SIGNATURE_INVALID');
  await refused(asha, { ...good, transactionId: small.transaction.id }, 'ORDER_NOT_FOUND');
  for (const person of [asha, ravi]) assert.equal((await person.api.get('/auth/me')).user.coins, 100);
  const metrics = await server.metrics();
  const counted = (what, reason) => metrics[`banter_payments_refused_total{what="${what}",reason="${reason}"}`];
  assert.deepEqual([counted('verify', 'order'), counted('verify', 'signature')], [2, 3]);
  assert.ok(counted('webhook', 'signature') >= 4);
  assert.match(server.said, /WARN .*a proof of payment is refused.*reason="signature"/);
  assert.match(server.said, /WARN .*a proof of payment for no order of theirs/);
  assert.match(server.said, /WARN .*a webhook whose signature is not Razorpay's/);
  assert.ok(!server.said.includes(good.signature), 'signatures are worth nothing to whoever reads logs');
  await razorpay.does('mischief', {});
  assert.equal(isTheirs(good), true);
  assert.equal((await asha.api.post('/payments/verify', good)).coins, 1600);
});

test('the server takes what Razorpay’s own library takes, and nothing else', async () => {
  const { key_secret, webhook_secret } = razorpay.keys;
  const hmac = (secret, text) => createHmac('sha256', secret).update(text).digest('hex');
  const event = JSON.stringify({ entity: 'event', event: 'payment.dispute.created', payload: { note: 'ab' }, created_at: 1 });
  const webhooks = [
    [event, hmac(webhook_secret, event)],
    [event, hmac(key_secret, event)],
    [event, hmac(webhook_secret, event).toUpperCase()],
    [`${event} `, hmac(webhook_secret, event)],
    [event.replace('ab', 'ba'), hmac(webhook_secret, event)],
    [event, hmac(webhook_secret, event).slice(1)],
  ];
  for (const [body, signature] of webhooks) {
    const theirs = signature.length === 64 && Library.validateWebhookSignature(body, signature, webhook_secret);
    const headers = { 'content-type': 'application/json', 'x-razorpay-signature': signature };
    // As bytes: axios trims texts.
    const { status } = await axios.post(`${server.url}/api/webhooks/razorpay`, Buffer.from(body), { headers, validateStatus: null });
    assert.equal(status, theirs ? 200 : 401, signature);
  }

  const asha = await Person.register(server);
  const { subscription } = await asha.api.post('/payments/subscriptions', { plan: 'monthly' });
  const subscription_id = subscription.razorpaySubscriptionId;
  const { razorpay_payment_id: payment_id, razorpay_signature } = await razorpay.does(`subscriptions/${subscription_id}/subscribe`);
  const signatures = [hmac(key_secret, `${subscription_id}|${payment_id}`), hmac(webhook_secret, `${payment_id}|${subscription_id}`), razorpay_signature];
  for (const signature of signatures) {
    const theirs = validatePaymentVerification({ subscription_id, payment_id }, signature, key_secret);
    const proof = { subscriptionId: subscription.id, paymentId: payment_id, signature };
    const { status, data } = await bare(server, asha.token).post('/payments/subscriptions/verify', proof, { validateStatus: null });
    assert.deepEqual([theirs, status], signature === razorpay_signature ? [true, 200] : [false, 400], JSON.stringify(data));
  }
  assert.equal((await asha.api.get('/auth/me')).user.isPremium, true);
});
