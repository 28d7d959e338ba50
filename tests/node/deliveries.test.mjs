// What customers run, fed by the running server: every event that an application may publish is accepted by the
// documentation's handler, byte for byte as the API answered it.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';

import express5 from 'express5';

import { EVENT_TYPES } from './event-types.mjs';
import { generateEvents, largestEvent } from './generate-events.mjs';
import { Server } from './harness.mjs';
import { isPublished } from './receivers/published-handler.mjs';
import { expressReceiver, FRAMEWORKS } from './receivers/receivers.mjs';
import { assertSameText } from './same-text.mjs';
import { waitFor } from './wait.mjs';

const SEED = Number(process.env.CSTAR_SEED ?? 20251210);
/** Ten rounds of every type in every shape. */
const COUNT = 1260;
/** How many requests to publish are under way at once. */
const PUBLISHERS = 16;
const BATCH = 10;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let server;
let team;
/** Per framework: the receiver and its webhook. */
const subscribers = new Map();
/** Per event id: what was published, and the envelope as the API answered it. */
const published = new Map();

before(async () => {
  console.log(`seed ${SEED} (CSTAR_SEED), ${isPublished ? 'the published handler' : 'our own handler, for the documentation is not at hand'}`);
  // No attempt may be given up while the machine is busy with something else: an event that comes twice is a fault here.
  server = await Server.start({ flags: ['--attempt-timeout', '60s'] });
  team = await server.team('deliveries');
  for (const [framework, start] of Object.entries(FRAMEWORKS)) {
    const receiver = await start();
    const webhook = await team.webhook(receiver.url, ['*']);
    receiver.environment.WEBHOOK_SECRET = webhook.secret;
    subscribers.set(framework, { receiver, webhook });
  }
  await publishAll([...generateEvents({ seed: SEED, count: COUNT }), ...EVENT_TYPES.map(largestEvent)]);
  for (const [framework, { receiver }] of subscribers) {
    const told = () => `${published.size} requests at ${framework}; ${receiver.received.length} came`;
    await waitFor(told, () => receiver.received.length >= published.size, 120);
  }
});

after(async () => {
  for (const { receiver } of subscribers.values()) await receiver.close();
  await server?.stop();
});

/** The first half one by one, several at once; the rest in batches. */
async function publishAll(events) {
  const batches = [];
  const singles = events.splice(0, events.length / 2);
  while (events.length > 0) batches.push(events.splice(0, BATCH));
  const publishers = Array.from({ length: PUBLISHERS }, async () => {
    for (let event = singles.pop(); event; event = singles.pop()) {
      const { envelope } = await team.publish(event);
      published.set(JSON.parse(envelope).id, { ...event, envelope });
    }
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const envelopes = await team.publishBatch(batch);
      // The rows of a batch are the same canonical text, so writing them out again is what was sent.
      envelopes.forEach((envelope, index) => published.set(envelope.id, { ...batch[index], envelope: JSON.stringify(envelope) }));
    }
  });
  await Promise.all(publishers);
}

const everyRequest = () => [...subscribers].flatMap(([framework, { receiver, webhook }]) =>
  receiver.received.map((request) => ({ framework, webhook, ...request })));

for (const framework of Object.keys(FRAMEWORKS)) {
  test(`W1, W2, W7, W44: the published handler on ${framework} accepts every genuine delivery`, () => {
    const { received } = subscribers.get(framework).receiver;
    const refused = received.filter(({ status }) => status !== 200);
    assert.deepEqual(refused.slice(0, 1), [], `${refused.length} of ${received.length} refused`);
    assert.deepEqual(received[0].answer, { received: true });
    assert.ok(published.size >= 1000);
    assert.deepEqual(received.map(({ body }) => JSON.parse(body).id).sort(), [...published.keys()].sort());
  });
}

test('W8–W28: each of the fourteen types is published and delivered', () => {
  for (const [framework, { receiver }] of subscribers) {
    const types = new Set(receiver.received.map(({ body }) => JSON.parse(body).type));
    assert.deepEqual([...types].sort(), [...EVENT_TYPES].sort(), framework);
  }
});

test('T1, T9: a body is the envelope that the API answered, and a fixed point of JSON.stringify', () => {
  for (const { framework, body } of everyRequest()) {
    const parsed = JSON.parse(body);
    const { data, envelope } = published.get(parsed.id);
    assertSameText(body, envelope, `${framework}: the body and the API's answer`);
    assertSameText(JSON.stringify(parsed), body, `${framework}: written again and the body`);
    assertSameText(JSON.stringify(parsed.data), JSON.stringify(JSON.parse(data)), `${framework}: its data and what was published`);
  }
});

test('T9: reading an event gives the same bytes', async () => {
  const ids = [...published.keys()].filter((_, index) => index % 20 === 0);
  for (const id of ids) {
    const { status, text } = await server.request('GET', `${team.path}/events/${id}`, { key: team.key });
    assert.equal(status, 200);
    assertSameText(text, published.get(id).envelope, id);
  }
});

test('W30–W35: the envelope has its five keys in order, each in its form', () => {
  for (const { body } of everyRequest()) {
    const event = JSON.parse(body);
    assert.deepEqual(Object.keys(event), ['id', 'type', 'team_id', 'created_at', 'data']);
    assert.match(event.id, /^evt_/);
    assert.equal(event.type, published.get(event.id).type);
    assert.equal(event.team_id, team.id);
    assert.match(event.team_id, UUID);
    assert.match(event.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    if (event.type === 'ticket.created') {
      assert.match(event.data.id, UUID);
      for (const key of ['title', 'status', 'priority']) assert.equal(typeof event.data[key], 'string');
    }
    if (event.type === 'ticket.message_added') {
      assert.ok('ticket' in event.data && 'message' in event.data);
    }
  }
});

test('W36–W40, T2: the signature is there once, as 64 lower-case hex of HMAC-SHA256 over the body under the whole secret', () => {
  for (const { webhook, body, headers, rawHeaders } of everyRequest()) {
    const times = rawHeaders.filter((name) => name.toLowerCase() === 'x-cstar-signature').length;
    assert.equal(times, 1);
    assert.match(headers['x-cstar-signature'], /^[0-9a-f]{64}$/);
    assert.equal(headers['x-cstar-signature'], createHmac('sha256', webhook.secret).update(body, 'utf8').digest('hex'));
  }
});

test('W41–W43, T8: type, delivery, attempt and content type are in the headers', () => {
  const deliveries = new Set();
  for (const { body, headers } of everyRequest()) {
    assert.equal(headers['x-cstar-event'], JSON.parse(body).type);
    assert.match(headers['x-cstar-delivery'], /^dlv_/);
    assert.equal(headers['x-cstar-attempt'], '1');
    assert.equal(headers['content-type'], 'application/json');
    deliveries.add(headers['x-cstar-delivery']);
  }
  assert.equal(deliveries.size, everyRequest().length, 'one delivery for each event and webhook');
});

test('W46, DLV-1: a 200 counts as delivered, once for each event and webhook', async () => {
  for (const [framework, { receiver, webhook }] of subscribers) {
    const rows = await server.settled(team, webhook.id, published.size);
    const undelivered = rows.filter(({ status, attempts }) => status !== 'delivered' || attempts !== 1);
    assert.deepEqual(undelivered.slice(0, 1), [], framework);
    const sent = receiver.received.map(({ headers }) => headers['x-cstar-delivery']);
    assert.deepEqual(rows.map(({ id }) => id).sort(), sent.sort(), framework);
  }
});

for (const framework of Object.keys(FRAMEWORKS)) {
  test(`W45: a wrong signature of 64 hex characters gets the handler's 401 on ${framework}`, async () => {
    const { receiver } = subscribers.get(framework);
    const { body, headers } = receiver.received[0];
    const right = headers['x-cstar-signature'];
    const wrong = right.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const send = (signature) => fetch(receiver.url, {
      method: 'POST', body, headers: { 'content-type': 'application/json', 'x-cstar-signature': signature },
    });
    const refusal = await send(wrong);
    assert.equal(refusal.status, 401);
    assert.deepEqual(await refusal.json(), { error: 'Invalid signature' });
    assert.equal((await send(right)).status, 200, 'only the signature was wrong');
  });
}

test('W4–W6, R7, T18: a webhook gets the types that its patterns choose and no other', async (t) => {
  const chooser = await server.team('patterns');
  const chosen = [
    [['ticket.*'], ['ticket.created', 'ticket.updated', 'ticket.closed', 'ticket.message_added']],
    [['*.created'], ['ticket.created', 'customer.created', 'article.created']],
    [['boss.defeated', 'customer.*'], ['customer.created', 'customer.updated', 'boss.defeated']],
    [['*'], EVENT_TYPES],
  ];
  const receivers = [];
  for (const [patterns] of chosen) {
    const receiver = await expressReceiver(express5);
    t.after(() => receiver.close());
    const webhook = await chooser.webhook(receiver.url, patterns);
    receiver.environment.WEBHOOK_SECRET = webhook.secret;
    receivers.push({ receiver, webhook });
  }
  for (const event of generateEvents({ seed: SEED, count: EVENT_TYPES.length })) await chooser.publish(event);
  for (const [index, [patterns, types]] of chosen.entries()) {
    const { receiver, webhook } = receivers[index];
    const rows = await server.settled(chooser, webhook.id, types.length);
    assert.deepEqual(rows.map(({ event_type: type }) => type).sort(), [...types].sort(), patterns.join());
    assert.deepEqual(receiver.received.map(({ headers }) => headers['x-cstar-event']).sort(), [...types].sort(), patterns.join());
  }
});
