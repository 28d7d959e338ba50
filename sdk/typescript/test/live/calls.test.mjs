// Everything that the client does by single calls, against the real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { clientOf, ConflictError, InvalidError, NotFoundError, PermissionError } from './clients.mjs';
import { openReceiver } from './receiver.mjs';
import { EVENT_TYPES, example, Server, waitFor } from './scene.mjs';

let server;
let team;
let cstar;
let receiver;

before(async () => {
  [server, receiver] = await Promise.all([Server.start(), openReceiver()]);
  team = await server.team('calls');
  cstar = clientOf(team);
});

after(async () => {
  cstar?.destroy();
  await receiver?.close();
  await server?.stop();
});

const listed = async (list) => {
  const rows = [];
  for await (const row of list) rows.push(row);
  return rows;
};

test('W8–W29, T9: every type is published and read as the flat envelope', async () => {
  const { data } = await cstar.events.publishBatch(EVENT_TYPES.map((type) => ({ type, data: example(type) })));
  assert.deepEqual(data.map(({ type }) => type), EVENT_TYPES);
  assert.deepEqual(data[0].data, example('ticket.created'));
  const pages = await listed(cstar.events.list({ limit: 5, order: 'asc' }));
  assert.deepEqual(pages, data);
  assert.deepEqual(await cstar.events.get(data[3].id), data[3]);
  assert.deepEqual((await listed(cstar.eventTypes.list())).map(({ type }) => type).sort(), [...EVENT_TYPES].sort());
});

test('LOG-1: a publish that a kill cut off is repeated and makes one event', async (t) => {
  const warnings = [];
  const note = ({ name }) => void warnings.push(name);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const types = ['boss.spawned'];
  const earlier = (await listed(cstar.events.list({ types }))).length;
  const publishing = Promise.all(Array.from({ length: 20 }, () => cstar.events.publish({ type: 'boss.spawned', data: example('boss.spawned') })));
  await server.crash();
  await server.begin();
  const ids = (await publishing).map(({ id }) => id);
  const rows = await listed(cstar.events.list({ types }));
  assert.equal(rows.length, earlier + 20);
  assert.deepEqual(new Set(rows.slice(0, 20).map(({ id }) => id)), new Set(ids));
  assert.deepEqual(warnings, [], 'so many calls at once are nothing to warn of');
});

test('W2, W4, W5, T8: a webhook is made, tested, changed, rotated, resent to and deleted', async () => {
  const { id, secret } = await cstar.webhooks.create({ url: receiver.url, events: ['survey.*'] });
  assert.match(secret, /^whsec_/);
  assert.equal((await cstar.webhooks.test(id)).outcome, 'success');
  const event = await cstar.events.publish({ type: 'survey.submitted', data: example('survey.submitted') });
  const [delivery] = await server.settled(team, id, 1);
  assert.deepEqual([delivery.event_id, delivery.status], [event.id, 'delivered']);

  await cstar.deliveries.resend(delivery.id);
  await waitFor('a second attempt', async () => (await cstar.deliveries.get(delivery.id)).attempts.length === 2);
  const operation = await cstar.deliveries.resendAll({ webhook: id });
  await waitFor('the operation', async () => (await cstar.operations.get(operation.id)).status === 'done');
  await waitFor('a third attempt', async () => (await cstar.deliveries.get(delivery.id)).attempts.length === 3);

  const rotated = await cstar.webhooks.rotateSecret(id);
  assert.notEqual(rotated.secret, secret);
  await cstar.webhooks.endOverlap(id);
  assert.deepEqual((await cstar.webhooks.update(id, { events: ['*'] })).events, ['*']);
  await cstar.webhooks.delete(id);
  await assert.rejects(cstar.webhooks.get(id), NotFoundError);
});

test('T18, T24: refusals are errors of their class, with the code, the place and what to quote', async () => {
  await assert.rejects(cstar.webhooks.create({ url: receiver.url, events: ['Ticket'] }), (error) => {
    assert.ok(error instanceof InvalidError);
    assert.deepEqual([error.status, error.code, error.problem.errors[0].pointer], [422, 'invalid_pattern', '/events/0']);
    assert.ok(error.requestId);
    return true;
  });
  const stranger = clientOf(await server.team('stranger'), { teamId: team.id });
  await assert.rejects(stranger.events.list().page(), (error) => error instanceof PermissionError && error.code === 'wrong_team');
  const webhook = await cstar.webhooks.create({ url: receiver.url, events: ['boss.defeated'] });
  const reader = clientOf(team, { apiKey: await team.makeKey({ scopes: ['webhooks:read'], types: ['*'] }) });
  await assert.rejects(reader.webhooks.delete(webhook.id), (error) => error instanceof PermissionError && error.code === 'missing_scope');
});

test('SEC-2: keys are made, used and revoked', async () => {
  const made = await cstar.keys.create({ name: 'reader', scopes: ['events:read'], types: ['ticket.*'] });
  const reader = clientOf(team, { apiKey: made.key });
  assert.ok((await listed(reader.events.list())).every(({ type }) => type.startsWith('ticket.')));
  await cstar.keys.revoke(made.id);
  await assert.rejects(reader.events.list().page(), { status: 401, code: 'key_revoked' });
});

test('SEC-2, T17: a token opens the stream and nothing else', async () => {
  const { token } = await cstar.realtime.createToken({ types: ['ticket.*'] });
  const page = clientOf(team, { apiKey: token, lastEventId: '0' });
  await assert.rejects(page.events.list().page(), PermissionError);
  const event = await new Promise((resolve) => page.realtime.onAny(resolve));
  assert.equal(event.type, 'ticket.created');
  page.destroy();
});
