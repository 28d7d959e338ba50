// The running server against npm's `standardwebhooks`, which knows nothing of us.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';

import express5 from 'express5';
import { Webhook } from 'standardwebhooks';

import { EVENT_TYPES } from './event-types.mjs';
import { generateEvents } from './generate-events.mjs';
import { Server } from './harness.mjs';
import { expressReceiver } from './receivers/receivers.mjs';
import { waitFor } from './wait.mjs';

/** How far the receiver's clock and ours may lie apart while the test runs. */
const CLOCK_SLACK_SECONDS = 60;

let server;
let team;
let receiver;
let webhook;

before(async () => {
  server = await Server.start();
  team = await server.team('standard webhooks');
  receiver = await expressReceiver(express5);
  webhook = await team.webhook(receiver.url, ['*']);
  receiver.environment.WEBHOOK_SECRET = webhook.secret;
});

after(async () => {
  await receiver?.close();
  await server?.stop();
});

/** Publishes the events and waits for their requests. */
async function requestsOf(events) {
  const earlier = receiver.received.length;
  for (const event of events) await team.publish(event);
  await waitFor(`${events.length} requests`, () => receiver.received.length >= earlier + events.length);
  return receiver.received.slice(earlier);
}

const verifies = (secret, { body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};
const legacy = (secret, body) => createHmac('sha256', secret).update(body).digest('hex');

test('T4, T5: every request verifies under the one secret, and nothing altered does', async () => {
  assert.match(webhook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  for (const request of await requestsOf(generateEvents({ seed: 4, count: EVENT_TYPES.length * 9 }))) {
    const { body, headers } = request;
    assert.deepEqual(new Webhook(webhook.secret).verify(body, headers), JSON.parse(body));
    assert.equal(headers['webhook-id'], JSON.parse(body).id);
    assert.match(headers['webhook-timestamp'], /^\d+$/);
    assert.ok(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < CLOCK_SLACK_SECONDS);
    assert.equal(headers['x-cstar-signature'], legacy(webhook.secret, body), 'the same secret serves both');
    assert.ok(!verifies(webhook.secret, { body: body.replace('evt_', 'evt-'), headers }), 'an altered body');
    assert.ok(!verifies(webhook.secret, { body, headers: { ...headers, 'webhook-id': 'evt_other' } }), 'an altered id');
    assert.ok(!verifies(`whsec_${Buffer.alloc(32).toString('base64')}`, request), 'another secret');
  }
});

test('T3: during rotation the old header keeps the old secret, the other carries both, until the overlap is ended', async () => {
  const old = webhook.secret;
  const { secret } = await team.json(200, 'POST', `/webhooks/${webhook.id}/secret`, { body: {} });
  assert.notEqual(secret, old);

  const [during] = await requestsOf(generateEvents({ seed: 3, count: 1 }));
  assert.equal(during.headers['x-cstar-signature'], legacy(old, during.body));
  assert.ok(verifies(old, during) && verifies(secret, during));
  assert.equal(during.status, 200, 'a receiver that was not told yet goes on');

  await team.json(204, 'DELETE', `/webhooks/${webhook.id}/secret/previous`);
  receiver.environment.WEBHOOK_SECRET = secret;
  const [afterwards] = await requestsOf(generateEvents({ seed: 5, count: 1 }));
  assert.equal(afterwards.headers['x-cstar-signature'], legacy(secret, afterwards.body));
  assert.ok(verifies(secret, afterwards) && !verifies(old, afterwards));
  assert.equal(afterwards.status, 200);
});
