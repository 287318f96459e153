// Deliveries, verified by the client's own constructEvent.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { customer, monthly, stripe, Stripe } from './shop.mjs';

const got = [];
const receiver = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    got.push({ body: Buffer.concat(parts).toString(), signature: request.headers['stripe-signature'] });
    response.end('thanks');
  });
});

before(() => new Promise((done) => { receiver.listen(0, '127.0.0.1', done); }));
after(() => receiver.close());

async function heard(secret, type, which = () => true) {
  for (let asked = 0; asked < 400; asked += 1) {
    for (const { body, signature } of got) {
      const event = stripe.webhooks.constructEvent(body, signature, secret);
      if (event.type === type && which(event.data.object)) return event;
    }
    await sleep(50);
  }
  throw new Error(`${type} was not delivered`);
}

test('what happens is told, signed, with what was there before', async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/hooks`;
  const endpoint = await stripe.webhookEndpoints.create({
    url,
    enabled_events: ['customer.updated', 'customer.subscription.created', 'invoice.paid'],
  });
  assert.ok(endpoint.secret.startsWith('whsec_'));
  const ada = await customer();
  const price = await monthly(1500);
  const options = { idempotencyKey: `subscribe-${ada.id}` };
  const made = await stripe.subscriptions.create({ customer: ada.id, items: [{ price: price.id }] }, options);
  await stripe.customers.update(ada.id, { name: 'Countess' });

  const created = await heard(endpoint.secret, 'customer.subscription.created');
  assert.equal(created.data.object.id, made.id);
  assert.deepEqual(created.request, { id: made.lastResponse.requestId, idempotency_key: options.idempotencyKey });
  assert.equal(created.livemode, false);
  const changed = await heard(endpoint.secret, 'customer.updated', (found) => found.name === 'Countess');
  assert.deepEqual(changed.data.previous_attributes, { name: 'Ada' });
  const paid = await heard(endpoint.secret, 'invoice.paid');
  assert.deepEqual([paid.data.object.amount_paid, paid.data.object.customer], [1500, ada.id]);
  assert.equal((await stripe.events.retrieve(paid.id)).data.object.id, paid.data.object.id);

  const [{ body, signature }] = got;
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, 'whsec_another'), Stripe.errors.StripeSignatureVerificationError);
  assert.throws(() => stripe.webhooks.constructEvent(`${body} `, signature, endpoint.secret), Stripe.errors.StripeSignatureVerificationError);
  assert.equal((await stripe.webhookEndpoints.update(endpoint.id, { disabled: true })).status, 'disabled');
});
