// What is refused, with the client's own classes; and requests that are sent twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customer, key, monthly, server, Stripe, stripe } from './shop.mjs';

const { errors } = Stripe;

async function refused(work) {
  try {
    await work;
  } catch (error) {
    assert.ok(error.requestId?.startsWith('req_'), error.stack);
    return error;
  }
  throw new Error('it was taken');
}

test('what is missing, unknown, malformed or not there is named', async () => {
  const cases = [
    [() => stripe.prices.create({ currency: 'usd', unit_amount: 'abc', product: 'x' }), 'parameter_invalid_integer', 'unit_amount', 400],
    [() => stripe.subscriptions.create({ items: [{ price: 'price_x' }] }), 'parameter_missing', 'customer', 400],
    [() => stripe.customers.create({ colour: 'red' }), 'parameter_unknown', 'colour', 400],
    [() => stripe.customers.retrieve('cus_nothing'), 'resource_missing', 'id', 404],
    [() => stripe.invoices.create({ customer: 'cus_nothing' }), 'resource_missing', 'customer', 400],
    [() => stripe.customers.list({ limit: 101 }), 'parameter_invalid_integer', 'limit', 400],
    [() => stripe.customers.list({ starting_after: 'cus_nothing' }), 'resource_missing', 'starting_after', 400],
    [() => stripe.customers.search({ query: 'colour:"red"' }), 'parameter_invalid', 'query', 400],
  ];
  for (const [work, code, param, status] of cases) {
    const error = await refused(work());
    assert.ok(error instanceof errors.StripeInvalidRequestError, error.stack);
    assert.deepEqual([error.code, error.param, error.statusCode], [code, param, status], error.message);
    assert.equal(error.type, 'StripeInvalidRequestError');
    assert.equal(error.rawType, 'invalid_request_error');
  }
});

test('a card that is declined says why, and what it was for', async () => {
  const declined = await refused(customer({}, 'pm_card_chargeDeclined'));
  assert.ok(declined instanceof errors.StripeCardError, declined.stack);
  assert.deepEqual([declined.code, declined.decline_code, declined.statusCode], ['card_declined', 'generic_decline', 402]);

  const ada = await customer({}, 'pm_card_chargeCustomerFail');
  const price = await monthly(1000);
  const unpaid = await stripe.subscriptions.create({ customer: ada.id, items: [{ price: price.id }] });
  assert.equal(unpaid.status, 'incomplete');
  const again = await refused(stripe.invoices.pay(unpaid.latest_invoice));
  assert.ok(again instanceof errors.StripeCardError);
  const none = await refused(
    stripe.subscriptions.create({ customer: ada.id, items: [{ price: price.id }], payment_behavior: 'error_if_incomplete' }),
  );
  assert.ok(none instanceof errors.StripeCardError);
  assert.equal((await stripe.subscriptions.list({ customer: ada.id, status: 'all' })).data.length, 1);
});

test('a key that is none, and an address that is none', async () => {
  const stranger = new Stripe('sk_test_nobody0000000000000000', server);
  assert.ok((await refused(stranger.customers.list())) instanceof errors.StripeAuthenticationError);
  const elsewhere = await refused(stripe.rawRequest('GET', '/v1/unicorns'));
  assert.deepEqual([elsewhere.statusCode, elsewhere.rawType], [404, 'invalid_request_error']);
});

test('the same request twice makes one object, and another under the same key is refused', async () => {
  const options = { idempotencyKey: `once-${key.slice(-6)}` };
  const first = await stripe.customers.create({ name: 'Ada' }, options);
  const second = await stripe.customers.create({ name: 'Ada' }, options);
  assert.equal(second.id, first.id);
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal(second.lastResponse.idempotencyKey, options.idempotencyKey);
  const mismatch = await refused(stripe.customers.create({ name: 'Eve' }, options));
  assert.ok(mismatch instanceof errors.StripeIdempotencyError, mismatch.stack);
  assert.equal(mismatch.statusCode, 400);
  const refusal = { idempotencyKey: `refused-${key.slice(-6)}` };
  const declined = () => refused(stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: first.id }, refusal));
  assert.deepEqual([(await declined()).code, (await declined()).headers['idempotent-replayed']], ['card_declined', 'true']);
});

test('many at once under one key make one object', async () => {
  const options = { idempotencyKey: `race-${key.slice(-6)}` };
  const tries = await Promise.allSettled([1, 2, 3, 4].map(() => stripe.products.create({ name: 'Race' }, options)));
  const made = new Set(tries.filter((one) => one.status === 'fulfilled').map((one) => one.value.id));
  assert.equal(made.size, 1);
  for (const one of tries.filter((found) => found.status === 'rejected')) {
    assert.equal(one.reason.statusCode, 409);
  }
  assert.equal((await stripe.products.list()).data.filter((one) => one.name === 'Race').length, 1);
});
