// Keys and event types in the team settings page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver, signIn, violations } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

const SCOPES = ['events:write', 'events:read', 'webhooks:read', 'deliveries:read', 'keys:write'];

let dev, browser, receiver, page;
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
  page = await open(browser);
  await signIn(page, dev, { scopes: SCOPES });
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});

const button = (name) => page.getByRole('button', { name, exact: true });
const status = async (key, path) => (await dev.api.request('GET', `${dev.team.path}${path}`, { key })).status;

test('SEC-2, SEC-3: a key is made within the session, shown once, and revoked', async () => {
  await page.goto(`${dev.url}/keys`);
  await button('New key').click();
  const dialog = page.getByRole('dialog', { name: 'New key' });
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  await dialog.getByText('Say what it is for.').waitFor();
  await dialog.getByText('Choose at least one.').waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await dialog.getByText('audit:read').count(), 0, 'the session has no such scope');
  await dialog.getByLabel('Name').fill('<b>dashboard</b> \u202Etxt');
  await dialog.getByText('Read events, and follow them live').click();
  await dialog.getByText('All events').click();
  await dialog.getByText('All of ticket').click();
  await dialog.getByRole('button', { name: 'Make the key' }).click();

  const shown = page.getByRole('region', { name: 'Copy the key now' });
  await shown.getByRole('button', { name: 'Copy key' }).click();
  const key = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(await shown.locator('code').getByText(key).textContent(), key);
  assert.deepEqual([await status(key, '/events'), await status(key, '/webhooks')], [200, 403]);
  assert.deepEqual(
    (await dev.team.all('/keys')).find(({ name }) => name.startsWith('<b>dash'))?.types,
    ['ticket.*'],
  );
  await button('I have kept it').click();
  await page.reload();
  const row = page.getByRole('listitem').filter({ hasText: '<b>dashboard</b>' });
  await row.getByText('ticket.*').waitFor();
  assert.ok(!(await page.content()).includes(key));

  await row.getByRole('button', { name: /^Revoke/ }).click();
  const asked = page.getByRole('alertdialog', { name: 'Revoke this key?' });
  await asked.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await status(key, '/events'), 200);
  await row.getByRole('button', { name: /^Revoke/ }).click();
  await asked.getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'hidden' });
  assert.equal(await status(key, '/events'), 401);
  await button('Revoked and expired (1)').click();
  await row.getByText('Revoked', { exact: true }).waitFor();
  assertQuiet(page);
});

test('who revokes the key of their own session is signed out', async () => {
  const other = await open(browser);
  await signIn(other, dev, { scopes: ['keys:write'] });
  await other.goto(`${dev.url}/keys`);
  await other.getByRole('listitem').filter({ hasText: 'This session' }).getByRole('button', { name: /^Revoke/ }).click();
  await other.getByText('you will be signed out').waitFor();
  await other.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await other.getByLabel('Team key').waitFor();
  assertQuiet(other);
});

test('SEC-2: a session that may not make keys sees none', async () => {
  const other = await open(browser);
  await signIn(other, dev);
  await other.goto(`${dev.url}/keys`);
  await other.getByText('Your sign-in does not open this').waitFor();
  assert.equal(await other.getByRole('button', { name: 'New key' }).count(), 0);
  assertQuiet(other);
});

test('W8–W28, W29: the fourteen types stand in groups, each with when it fires, its schema and an example', async () => {
  await page.goto(`${dev.url}/event-types`);
  await page.getByRole('link', { name: 'ticket.created' }).waitFor();
  const { data } = await dev.api.json(200, 'GET', '/v1/event-types', { key: dev.team.key });
  const types = await page.getByRole('main').getByRole('listitem').getByRole('link').allTextContents();
  assert.deepEqual([...types].sort(), data.map(({ type }) => type).sort());
  assert.equal(types.length, 14);
  const { fires_on, example, schema } = data.find(({ type }) => type === 'boss.defeated');
  await page.getByRole('region', { name: 'boss' }).getByText(fires_on.replaceAll('`', '')).waitFor();
  await page.getByRole('link', { name: 'boss.defeated' }).click();
  const shown = async (name) => JSON.parse(await page.getByRole('group', { name, exact: true }).locator('code').textContent());
  await page.getByRole('heading', { name: 'boss.defeated' }).waitFor();
  assert.deepEqual([await shown('example'), await shown('schema')], [example, schema]);
  assertQuiet(page);
});

test('T20: the example is sent as a test event, and its delivery is a click away', async () => {
  const webhook = await dev.team.webhook(receiver.url, ['boss.*']);
  await page.goto(`${dev.url}/event-types/boss.defeated`);
  await button('Send this example').click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(await violations(page), []);
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await dialog.getByText('The test event was published').waitFor();
  const { headers, body } = await waitFor('the test event', () => receiver.requests[0]);
  assert.equal(headers['x-cstar-test'], 'true');
  assert.match(JSON.parse(body).id, /^evt_test_/);
  await dialog.getByRole('link', { name: 'See its deliveries' }).click();
  await page.getByRole('row').filter({ hasText: JSON.parse(body).id }).waitFor();
  assert.equal((await dev.team.all('/deliveries', { webhook: webhook.id })).length, 1);
  assertQuiet(page);
});

test('SEC-2: whoever may not publish is not offered it', async () => {
  const other = await open(browser);
  await signIn(other, dev, { scopes: ['events:read'] });
  await other.goto(`${dev.url}/event-types/boss.defeated`);
  await other.getByRole('heading', { name: 'Schema' }).waitFor();
  assert.equal(await other.getByRole('button', { name: 'Send this example' }).count(), 0);
  assertQuiet(other);
});
