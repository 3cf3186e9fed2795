// An independent witness: Razorpay's own library takes the stand-in for Razorpay.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import Library from 'razorpay';
import { validatePaymentVerification } from 'razorpay/dist/utils/razorpay-utils.js';

import { Razorpay } from '../lib/razorpay.js';

let razorpay;
let library;

before(async () => {
  razorpay = await Razorpay.start();
  const { key_id, key_secret } = razorpay.keys;
  library = new Library({ key_id, key_secret });
  // It has no option for the host.
  library.api.rq.defaults.baseURL = razorpay.url;
});
after(() => razorpay?.stop());

const order = (fields) => library.orders.create({ amount: 9900, currency: 'INR', ...fields });

test('orders are made, found and refused', async () => {
  const made = await order({ receipt: 'receipt-1', notes: { user: 'asha' } });
  assert.match(made.id, /^order_[A-Za-z0-9]{14}$/);
  assert.deepEqual(await library.orders.fetch(made.id), made);
  await order({ receipt: 'receipt-2' });
  const { count, items } = await library.orders.all({ receipt: 'receipt-1', from: made.created_at, count: 5 });
  assert.deepEqual([count, items], [1, [made]]);
  const edited = await library.orders.edit(made.id, { notes: { user: 'ravi' } });
  assert.deepEqual(edited.notes, { user: 'ravi' });
  await assert.rejects(order({ amount: 99 }), ({ statusCode, error }) => {
    assert.deepEqual([statusCode, error.code, error.field], [400, 'BAD_REQUEST_ERROR', 'amount']);
    return true;
  });
  await assert.rejects(library.orders.fetch('order_x'), { statusCode: 400 });
  const stranger = new Library({ key_id: razorpay.keys.key_id, key_secret: 'guessed' });
  stranger.api.rq.defaults.baseURL = razorpay.url;
  await assert.rejects(stranger.orders.all(), { statusCode: 401 });
});

test('a checkout is signed, the payment found, and given back', async () => {
  const { id } = await order();
  const checkout = await razorpay.does(`orders/${id}/pay`, { method: 'upi' });
  const signed = (signature) =>
    validatePaymentVerification(
      { order_id: id, payment_id: checkout.razorpay_payment_id },
      signature,
      razorpay.keys.key_secret,
    );
  assert.equal(signed(checkout.razorpay_signature), true);
  assert.equal(signed(checkout.razorpay_signature.replace(/^./, (c) => (c === '0' ? '1' : '0'))), false);

  const payment = await library.payments.fetch(checkout.razorpay_payment_id);
  assert.deepEqual([payment.status, payment.order_id, payment.captured], ['captured', id, true]);
  assert.deepEqual((await library.orders.fetchPayments(id)).items, [payment]);
  assert.ok((await library.payments.all({ from: payment.created_at })).items.some((one) => one.id === payment.id));
  const refund = await library.payments.refund(payment.id, { amount: 900, speed: 'normal', notes: { why: 'gift' } });
  assert.deepEqual([refund.amount, refund.payment_id, refund.status], [900, payment.id, 'processed']);
  assert.deepEqual(await library.refunds.fetch(refund.id), refund);
  assert.deepEqual((await library.payments.fetchMultipleRefund(payment.id)).items, [refund]);
});

test('a payment that was only promised is captured', async () => {
  const { id } = await order();
  const { razorpay_payment_id } = await razorpay.does(`orders/${id}/authorize`, { method: 'card' });
  const payment = await library.payments.capture(razorpay_payment_id, 9900, 'INR');
  assert.deepEqual([payment.status, (await library.orders.fetch(id)).status], ['captured', 'paid']);
  await assert.rejects(library.payments.capture(razorpay_payment_id, 9900, 'INR'), { statusCode: 400 });
});

test('plans and subscriptions live as the library expects', async () => {
  const item = { name: 'Premium', amount: 9900, currency: 'INR' };
  const plan = await library.plans.create({ period: 'monthly', interval: 1, item });
  assert.deepEqual(await library.plans.fetch(plan.id), plan);
  assert.ok((await library.plans.all()).items.some((one) => one.id === razorpay.keys.plan_monthly));

  const begin = () => library.subscriptions.create({ plan_id: plan.id, total_count: 12, customer_notify: 1 });
  const made = await begin();
  assert.equal(made.status, 'created');
  const checkout = await razorpay.does(`subscriptions/${made.id}/subscribe`, { method: 'card' });
  const names = { subscription_id: made.id, payment_id: checkout.razorpay_payment_id };
  const { key_secret } = razorpay.keys;
  assert.equal(validatePaymentVerification(names, checkout.razorpay_signature, key_secret), true);
  assert.equal((await library.subscriptions.fetch(made.id)).status, 'active');
  assert.equal((await library.subscriptions.pause(made.id, { pause_at: 'now' })).status, 'paused');
  assert.equal((await library.subscriptions.resume(made.id, { resume_at: 'now' })).status, 'active');
  assert.equal((await library.subscriptions.cancel(made.id, true)).status, 'active', 'until its period ends');
  assert.equal((await library.subscriptions.cancel(made.id, false)).status, 'cancelled');
  assert.deepEqual((await library.subscriptions.all({ plan_id: plan.id })).count, 1);
  await assert.rejects(library.subscriptions.cancel(made.id, false), { statusCode: 400 });
});

test('every webhook is signed', async () => {
  const { id } = await order();
  await razorpay.does(`orders/${id}/fail`, { method: 'netbanking' });
  await razorpay.does(`orders/${id}/pay`, { method: 'wallet' });
  const told = await razorpay.settled();
  assert.ok(told.length >= 4);
  const { webhook_secret } = razorpay.keys;
  for (const { headers, body } of told) {
    const signature = headers['x-razorpay-signature'];
    assert.equal(headers['content-type'], 'application/json');
    assert.match(headers['x-razorpay-event-id'], /^[A-Za-z0-9]{14}$/);
    assert.equal(Library.validateWebhookSignature(body, signature, webhook_secret), true);
    assert.equal(Library.validateWebhookSignature(`${body} `, signature, webhook_secret), false);
  }
});

test('none of this broke a rule by mistake', async () => {
  const { refused } = await razorpay.does('refused');
  assert.deepEqual(refused, [
    'POST /v1/orders: The amount must be at least INR 1.00',
    'GET /v1/orders: Authentication failed',
  ]);
});
