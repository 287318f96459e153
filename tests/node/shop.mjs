// A client of Stripe's for the merchant that this story has to itself, and what several stories do.
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';

export { Stripe };
const url = new URL(process.env.OSTINATO_URL);
const keys = JSON.parse(process.env.OSTINATO_KEYS);
export const key = keys[basename(process.argv[1])];
export const server = { protocol: 'http', host: url.hostname, port: url.port, telemetry: false, maxNetworkRetries: 0 };

export const stripe = new Stripe(key, server);

export const at = (text) => Date.parse(`${text}Z`) / 1000;

export async function customer(fields = {}, card = 'pm_card_visa') {
  return stripe.customers.create({
    name: 'Ada',
    email: 'ada@example.com',
    payment_method: card,
    invoice_settings: { default_payment_method: card },
    ...fields,
  });
}

export async function monthly(amount, fields = {}) {
  return stripe.prices.create({
    currency: 'usd',
    unit_amount: amount,
    recurring: { interval: 'month' },
    product_data: { name: `Plan at ${amount}` },
    ...fields,
  });
}

// The clock moves in the background, as at Stripe: ask until it has arrived.
export async function advance(clock, to) {
  const moving = await stripe.testHelpers.testClocks.advance(clock, { frozen_time: to });
  if (moving.status !== 'advancing') throw new Error(`the clock is ${moving.status}`);
  for (let asked = 0; asked < 600; asked += 1) {
    const found = await stripe.testHelpers.testClocks.retrieve(clock);
    if (found.status === 'ready') return found;
    if (found.status !== 'advancing') throw new Error(`the clock is ${found.status}`);
    await sleep(50);
  }
  throw new Error('the clock does not arrive');
}

// All invoices of a subscription, the oldest first.
export async function invoices(subscription) {
  const found = await stripe.invoices.list({ subscription, limit: 5 }).autoPagingToArray({ limit: 100 });
  return found.reverse();
}
