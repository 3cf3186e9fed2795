// Money: whatever is delivered twice, late or never, whoever dies, each payment is credited once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { validatePaymentVerification } from 'razorpay/dist/utils/razorpay-utils.js';

import { bare } from '../lib/api.js';
import { banter } from '../lib/cli.js';
import { Database } from '../lib/database.js';
import { Person } from '../lib/people.js';
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
  server = await Server.start({ ...razorpay.env, ...database.env });
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
      // 409: the payment is under way.
      if (status === undefined || status >= 500 || status === 409) return null;
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
  await razorpay.does('mischief', {});
  assert.equal(isTheirs(good), true);
  assert.equal((await asha.api.post('/payments/verify', good)).coins, 1600);
});
