// The receivers and the generated events themselves, without the server: bodies that Node itself wrote are accepted,
// so a delivery that a receiver refuses is the server's doing.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import { EVENT_TYPES } from './event-types.mjs';
import { ENVELOPE_MAX_BYTES, generateEvents, largestEvent } from './generate-events.mjs';
import { ownHandler } from './receivers/own-handler.mjs';
import { isPublished, publishedHandler } from './receivers/published-handler.mjs';
import { FRAMEWORKS } from './receivers/receivers.mjs';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const HANDLERS = isPublished ? { published: publishedHandler, own: ownHandler } : { own: ownHandler };
const ONE_OF_EACH_SHAPE = generateEvents({ seed: 1, count: EVENT_TYPES.length * 9 });

const sign = (body) => createHmac('sha256', SECRET).update(body).digest('hex');

async function post(receiver, body, signature) {
  const headers = { 'content-type': 'application/json', 'x-cstar-signature': signature };
  const response = await fetch(receiver.url, { method: 'POST', body, headers });
  return { status: response.status, answer: await response.json() };
}

for (const [framework, start] of Object.entries(FRAMEWORKS)) {
  for (const [name, handler] of Object.entries(HANDLERS)) {
    test(`the ${name} handler on ${framework} accepts what Node wrote and refuses anything else`, async (t) => {
      const receiver = await start(handler);
      t.after(() => receiver.close());
      receiver.environment.WEBHOOK_SECRET = SECRET;
      for (const { type, data } of ONE_OF_EACH_SHAPE) {
        const body = JSON.stringify({ id: 'evt_1', type, data: JSON.parse(data) });
        assert.deepEqual(await post(receiver, body, sign(body)), { status: 200, answer: { received: true } });
        assert.deepEqual(await post(receiver, body, sign(`${body} `)), { status: 401, answer: { error: 'Invalid signature' } });
      }
      // What is not a fixed point of JSON.stringify is refused although it is signed rightly.
      assert.equal((await post(receiver, '{"a":1.0}', sign('{"a":1.0}'))).status, 401);
      assert.equal(receiver.received.length, 2 * ONE_OF_EACH_SHAPE.length + 1);
      assert.equal(receiver.received.at(-1).body, '{"a":1.0}');
    });
  }
}

test('generated events are no fixed points, the same for the same seed, and reach the limits', () => {
  const depth = (value) => (value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0);
  assert.deepEqual(generateEvents({ seed: 1, count: ONE_OF_EACH_SHAPE.length }), ONE_OF_EACH_SHAPE);
  assert.notDeepEqual(generateEvents({ seed: 2, count: ONE_OF_EACH_SHAPE.length }), ONE_OF_EACH_SHAPE);
  const rewritten = ONE_OF_EACH_SHAPE.filter(({ data }) => JSON.stringify(JSON.parse(data)) !== data);
  assert.ok(rewritten.length > ONE_OF_EACH_SHAPE.length / 2);
  assert.equal(Math.max(...ONE_OF_EACH_SHAPE.map(({ data }) => 1 + depth(JSON.parse(data)))), 64);
  const { type, data } = largestEvent('boss.spawned');
  const envelope = { id: `evt_${'0'.repeat(26)}`, type, team_id: '0'.repeat(36), created_at: '2025-12-10T14:30:00Z', data: JSON.parse(data) };
  assert.equal(Buffer.byteLength(JSON.stringify(envelope)), ENVELOPE_MAX_BYTES);
});
