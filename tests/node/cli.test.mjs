// The documentation's "Local testing with the CLI", in its order, by the built binary: `cstar dev`, then `cstar listen`,
// then `cstar trigger` in another terminal.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import express5 from 'express5';
import { Webhook } from 'standardwebhooks';

import { Child, CSTAR, run } from './child.mjs';
import { EVENT_TYPES } from './event-types.mjs';
import { Api, freePort, Team } from './harness.mjs';
import { expressReceiver } from './receivers/receivers.mjs';
import { waitFor } from './wait.mjs';

const PLATFORM_KEY = 'platform-key-of-the-developer-0123456789';

let home;
let url;
let dev;
let listener;
let receiver;

/** A developer's terminal: a directory and a profile of their own. */
const terminal = () => ({
  cwd: home,
  env: { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), CSTAR_PLATFORM_KEY: PLATFORM_KEY, NO_COLOR: '1' },
});
const cstar = (...args) => run(CSTAR, args, terminal());

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'cstar-cli-'));
  const listen = `127.0.0.1:${await freePort()}`;
  url = `http://${listen}`;
  dev = new Child(CSTAR, ['dev', '--listen', listen], terminal());
  await dev.until('Ready, with the profile written', () => /\bReady\b/.test(dev.stdout));

  receiver = await expressReceiver(express5);
  receiver.environment.WEBHOOK_SECRET = (await cstar('listen', '--print-secret')).stdout.trim();
  listener = new Child(CSTAR, ['listen', '--forward-to', receiver.url], terminal());
  await listener.until('Ready', () => /\bReady\b/.test(listener.stdout + listener.stderr));
});

after(async () => {
  await listener?.kill('SIGINT');
  await dev?.kill('SIGTERM');
  await receiver?.close();
  await rm(home, { recursive: true, force: true });
});

/** The names, less `accept`, which the listener's HTTP client adds by itself and which asks for nothing. */
const headerNames = (headers) => Object.keys(headers).filter((name) => name !== 'accept').sort();

/** Triggers and waits for the request that the listener forwards. */
async function trigger(...args) {
  const earlier = receiver.received.length;
  await cstar('trigger', ...args);
  await listener.until(`the forwarded ${args.join(' ')}`, () => receiver.received.length > earlier);
  assert.equal(receiver.received.length, earlier + 1, 'forwarded once');
  return receiver.received.at(-1);
}

for (const type of EVENT_TYPES) {
  test(`W8–W28, W55–W57, T20, T22: cstar trigger ${type} reaches the local server as a webhook`, async () => {
    const { body, headers, status, answer } = await trigger(type);
    assert.equal(status, 200);
    assert.deepEqual(answer, { received: true });
    const event = JSON.parse(body);
    assert.deepEqual(Object.keys(event), ['id', 'type', 'team_id', 'created_at', 'data']);
    assert.equal(event.type, type);
    assert.match(event.id, /^evt_test_/);

    const secret = receiver.environment.WEBHOOK_SECRET;
    assert.equal(headers['x-cstar-signature'], createHmac('sha256', secret).update(body).digest('hex'));
    assert.deepEqual(new Webhook(secret).verify(body, headers), event);
    assert.equal(headers['x-cstar-event'], type);
    assert.ok(headers['x-cstar-delivery']);
    assert.equal(headers['x-cstar-test'], 'true');
    assert.equal(headers['webhook-id'], event.id);
    assert.equal(headers['content-type'], 'application/json');
    assert.match(headers['user-agent'], /^cStar-Webhooks\/1/);
  });
}

test('T21: the secret is the same at every start, and --print-secret prints it and nothing else', async () => {
  const { stdout } = await cstar('listen', '--print-secret');
  assert.match(stdout, /^whsec_[A-Za-z0-9+/]{43}=\n$/);
  assert.equal(stdout.trim(), receiver.environment.WEBHOOK_SECRET);
  const again = new Child(CSTAR, ['listen', '--forward-to', receiver.url], terminal());
  await again.until('Ready with the secret', () => `${again.stdout}${again.stderr}`.includes(stdout.trim()));
  await again.kill('SIGINT');
});

test('W57, T20: a registered webhook gets what is triggered, marked as a test, unless it is for listeners only', async (t) => {
  const registered = await expressReceiver(express5);
  t.after(() => registered.close());
  const api = new Api(url, PLATFORM_KEY);
  const { data: [{ id }] } = await api.json(200, 'GET', '/v1/teams');
  const team = new Team(api, id, PLATFORM_KEY);
  const webhook = await team.webhook(registered.url, ['ticket.*']);
  registered.environment.WEBHOOK_SECRET = webhook.secret;

  await trigger('ticket.closed', '--listeners-only');
  const { body, headers } = await trigger('ticket.created');
  const told = () => `the registered webhook's request; ${registered.received.length} came`;
  await waitFor(told, () => registered.received.length > 0);
  const rows = await team.all('/deliveries', { webhook: webhook.id });
  assert.deepEqual(rows.map(({ event_type: type }) => type), ['ticket.created'], 'the other one made no delivery');
  const [request] = registered.received;
  assert.equal(request.status, 200);
  assert.equal(request.body, body, 'the same bytes as the listener got (T9)');
  assert.equal(request.headers['x-cstar-test'], 'true');
  assert.deepEqual(headerNames(headers), headerNames(request.headers));
});
