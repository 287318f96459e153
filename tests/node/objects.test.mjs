// Created, listed, paged, expanded, changed, searched, deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customer, monthly, stripe } from './shop.mjs';

test('customers are created, paged through both ways, changed and deleted', async () => {
  const ids = [];
  for (let n = 0; n < 12; n += 1) {
    ids.push((await stripe.customers.create({ name: `C${n}`, metadata: { n: String(n) } })).id);
  }
  const listed = [];
  for await (const one of stripe.customers.list({ limit: 5 })) listed.push(one.id);
  assert.deepEqual(listed, [...ids].reverse());
  assert.deepEqual(await namesBefore(ids[4]), ['C9', 'C8', 'C7', 'C6', 'C5']);
  const all = await stripe.customers.list({ limit: 4 }).autoPagingToArray({ limit: 7 });
  assert.equal(all.length, 7);

  const changed = await stripe.customers.update(ids[0], { name: 'Ada', phone: '+1 555', metadata: { n: '', m: '1' } });
  assert.deepEqual([changed.name, changed.phone, changed.metadata], ['Ada', '+1 555', { m: '1' }]);
  const emptied = await stripe.customers.update(ids[0], { phone: '', metadata: '' });
  assert.deepEqual([emptied.phone, emptied.metadata], [null, {}]);
  assert.deepEqual(await stripe.customers.del(ids[0]), { id: ids[0], object: 'customer', deleted: true });
  assert.equal((await stripe.customers.retrieve(ids[0])).deleted, true);
});

async function namesBefore(id) {
  const page = await stripe.customers.list({ limit: 5, ending_before: id });
  assert.equal(page.has_more, true);
  return page.data.map((one) => one.name);
}

test('a subscription is paid at once, and its parts are expanded four levels deep', async () => {
  const price = await monthly(1000, { product_data: { name: 'Box', metadata: { colour: 'red' } } });
  const ada = await customer();
  const subscription = await stripe.subscriptions.create({
    customer: ada.id,
    items: [{ price: price.id, quantity: 2 }],
    expand: ['latest_invoice.payments.data.payment.payment_intent', 'customer', 'items.data.price.product'],
  });
  assert.equal(subscription.status, 'active');
  assert.equal(subscription.customer.email, 'ada@example.com');
  assert.equal(subscription.items.data[0].price.product.metadata.colour, 'red');
  const [payment] = subscription.latest_invoice.payments.data;
  assert.equal(payment.payment.payment_intent.status, 'succeeded');
  assert.equal(subscription.latest_invoice.amount_paid, 2000);

  const page = await stripe.subscriptions.list({ customer: ada.id, expand: ['data.latest_invoice.customer'] });
  assert.equal(page.data[0].latest_invoice.customer.name, 'Ada');
  const plain = await stripe.subscriptions.retrieve(subscription.id);
  assert.equal(typeof plain.latest_invoice, 'string');
  assert.ok(plain.lastResponse.requestId.startsWith('req_'));
  assert.equal(plain.lastResponse.apiVersion, '2026-08-26.dahlia');
});

test('fractions of a cent and instants go there and back', async () => {
  const price = await monthly(undefined, {
    unit_amount: undefined,
    unit_amount_decimal: '0.125',
    product_data: { name: 'Calls' },
  });
  assert.equal(price.unit_amount, null);
  assert.equal(String(price.unit_amount_decimal), '0.125');
  const tiers = await stripe.prices.create({
    currency: 'usd',
    product: price.product,
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    recurring: { interval: 'month' },
    tiers: [
      { up_to: 5, unit_amount: 700 },
      { up_to: 'inf', unit_amount: 600, flat_amount: 50 },
    ],
    expand: ['tiers'],
  });
  assert.deepEqual(tiers.tiers.map((one) => [one.up_to, one.unit_amount]), [[5, 700], [null, 600]]);
});

test('a search finds what was just written, page by page', async () => {
  const made = [];
  for (const name of ['Whale song', 'Whale bone', 'Wren']) {
    made.push(await stripe.products.create({ name, metadata: { sea: 'north' } }));
  }
  const query = "name~'whale' AND metadata['sea']:'north' AND active:'true'";
  const first = await stripe.products.search({ query, limit: 1 });
  assert.deepEqual([first.object, first.has_more, first.data[0].id], ['search_result', true, made[1].id]);
  const found = await stripe.products.search({ query, limit: 1 }).autoPagingToArray({ limit: 10 });
  assert.deepEqual(found.map((one) => one.name), ['Whale bone', 'Whale song']);
});

test('an invoice of its own is drafted, finalized, paid, credited and refunded', async () => {
  const ada = await customer();
  const draft = await stripe.invoices.create({ customer: ada.id, currency: 'usd', auto_advance: false });
  await stripe.invoiceItems.create({ customer: ada.id, invoice: draft.id, amount: 2500, currency: 'usd' });
  const open = await stripe.invoices.finalizeInvoice(draft.id);
  assert.deepEqual([open.status, open.total, open.amount_remaining], ['open', 2500, 2500]);
  const paid = await stripe.invoices.pay(open.id, { expand: ['payments'] });
  assert.deepEqual([paid.status, paid.amount_paid], ['paid', 2500]);
  const intent = paid.payments.data[0].payment.payment_intent;
  const refund = await stripe.refunds.create({ payment_intent: intent, amount: 500 });
  assert.deepEqual([refund.status, refund.amount], ['succeeded', 500]);
  const note = await stripe.creditNotes.create({ invoice: paid.id, amount: 1000, credit_amount: 1000 });
  assert.equal(note.total, 1000);
  assert.equal((await stripe.customers.retrieve(ada.id)).balance, -1000);
});
