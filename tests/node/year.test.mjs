// A year of renewals on a test clock: each total argued with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, at, customer, invoices, monthly, stripe } from './shop.mjs';

test('a year with tax, usage, a coupon, a bigger plan, a card that fails, and an end', async () => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: at('2024-01-31T00:00:00') });
  const ada = await customer({ test_clock: clock.id });
  const tax = await stripe.taxRates.create({ display_name: 'GST', percentage: 5, inclusive: false });
  const meter = await stripe.billing.meters.create({
    display_name: 'Calls',
    event_name: 'calls',
    default_aggregation: { formula: 'sum' },
  });
  const basic = await monthly(2000);
  const team = await monthly(5000);
  const calls = await monthly(2, { recurring: { interval: 'month', usage_type: 'metered', meter: meter.id } });
  const coupon = await stripe.coupons.create({ percent_off: 20, duration: 'repeating', duration_in_months: 3 });
  const subscription = await stripe.subscriptions.create({
    customer: ada.id,
    items: [{ price: basic.id, quantity: 2 }, { price: calls.id }],
    default_tax_rates: [tax.id],
    discounts: [{ coupon: coupon.id }],
  });
  const seats = subscription.items.data.find((one) => one.price.id === basic.id);

  await advance(clock.id, at('2024-02-10T00:00:00'));
  await stripe.billing.meterEvents.create({
    event_name: 'calls',
    payload: { stripe_customer_id: ada.id, value: '350' },
    timestamp: at('2024-02-09T12:00:00'),
  });
  await advance(clock.id, at('2024-05-31T02:00:00'));

  await advance(clock.id, at('2024-06-15T00:00:00'));
  await stripe.subscriptions.update(subscription.id, {
    items: [{ id: seats.id, price: team.id, quantity: 1 }],
    proration_behavior: 'always_invoice',
  });
  const bad = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: ada.id });
  await stripe.customers.update(ada.id, { invoice_settings: { default_payment_method: bad.id } });
  await advance(clock.id, at('2024-06-30T02:00:00'));
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, 'past_due');
  const good = await stripe.paymentMethods.attach('pm_card_visa', { customer: ada.id });
  await stripe.customers.update(ada.id, { invoice_settings: { default_payment_method: good.id } });
  const owed = (await invoices(subscription.id)).at(-1);
  assert.equal((await stripe.invoices.pay(owed.id)).status, 'paid');
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, 'active');

  await advance(clock.id, at('2025-01-10T00:00:00'));
  const ending = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  assert.equal(ending.cancel_at, at('2025-01-31T00:00:00'));
  await advance(clock.id, at('2025-02-02T00:00:00'));
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, 'canceled');

  const all = await invoices(subscription.id);
  assert.deepEqual(
    all.map((one) => [new Date(one.created * 1000).toISOString().slice(0, 10), one.total]),
    [
      ['2024-01-31', 3360], // 2 x 20.00 less 20 % is 32.00, and 5 %
      ['2024-02-29', 3948], // with 350 calls at 2 cents, 7.00: 47.00 less 20 % is 37.60, and 5 %
      ['2024-03-31', 3360],
      ['2024-04-30', 4200], // three months of the coupon are over on 30 April
      ['2024-05-31', 4200],
      ['2024-06-15', 525], // 15 of 30 days left: -20.00 of 2 Basic, 25.00 of Team: 5.00, and 5 %
      ['2024-06-30', 5250], // Team, and 5 %
      ['2024-07-31', 5250],
      ['2024-08-31', 5250],
      ['2024-09-30', 5250],
      ['2024-10-31', 5250],
      ['2024-11-30', 5250],
      ['2024-12-31', 5250],
      ['2025-01-31', 0], // the usage of the last month
    ],
  );
  assert.ok(all.every((one) => one.status === 'paid'));
  assert.equal(all.reduce((sum, one) => sum + one.amount_paid, 0), 56343);
  assert.deepEqual(await types(all[5].id), ['invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded']);
});

async function types(invoice) {
  const told = await stripe.events.list({ types: ['invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded'], limit: 100 }).autoPagingToArray({ limit: 500 });
  return told.filter((one) => one.data.object.id === invoice).map((one) => one.type).sort();
}
