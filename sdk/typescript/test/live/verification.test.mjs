// `verifyWebhook` and `isValidWebhook` against what the server sends, while a secret is rotated.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { clientOf, isValidWebhook, verifyWebhook } from './clients.mjs';
import { openReceiver } from './receiver.mjs';
import { EVENT_TYPES, example, Server, waitFor } from './scene.mjs';

let server;
let receiver;
let cstar;

before(async () => {
  [server, receiver] = await Promise.all([Server.start(), openReceiver()]);
  cstar = clientOf(await server.team('verification'));
});

after(async () => {
  cstar?.destroy();
  await receiver?.close();
  await server?.stop();
});

/** Publishes an event of this type, and the request that it causes. */
async function delivered(type) {
  const earlier = receiver.received.length;
  const event = await cstar.events.publish({ type, data: example(type) });
  await waitFor(`the webhook of ${type}`, () => receiver.received.length > earlier);
  return { event, ...receiver.received.at(-1) };
}

test('W8–W28, W36–W40, T2–T5, T9: every type is verified in both ways, with each secret as long as it holds', async () => {
  const { id, secret: old } = await cstar.webhooks.create({ url: receiver.url, events: ['*'] });
  for (const type of EVENT_TYPES) {
    const { event, body, headers } = await delivered(type);
    assert.deepEqual(await verifyWebhook(body, headers, old), event);
    assert.deepEqual(await verifyWebhook(body, headers, old, { legacy: true }), event);
    assert.equal(await isValidWebhook(body, headers['x-cstar-signature'], old), true);
  }

  const { secret } = await cstar.webhooks.rotateSecret(id);
  const during = await delivered('ticket.created');
  assert.deepEqual(await verifyWebhook(during.body, during.headers, old), during.event);
  assert.deepEqual(await verifyWebhook(during.body, during.headers, secret), during.event);
  assert.equal(await isValidWebhook(during.body, during.headers['x-cstar-signature'], old), true);

  await cstar.webhooks.endOverlap(id);
  const { body, headers, event } = await delivered('ticket.closed');
  assert.deepEqual(await verifyWebhook(body, headers, secret), event);
  assert.equal(await isValidWebhook(body, headers['x-cstar-signature'], secret), true);
  await assert.rejects(verifyWebhook(body, headers, old), { code: 'no_match' });
  assert.equal(await isValidWebhook(body, headers['x-cstar-signature'], old), false);
});
