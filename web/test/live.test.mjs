// The live page: events as they happen, over a kill of the server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { assertQuiet, Dev, launch, open, signIn, violations } from './harness.mjs';

const UUID = '550e8400-e29b-41d4-a716-446655440000';

let dev, browser, page;
before(async () => {
  [dev, browser] = await Promise.all([Dev.start(), launch()]);
  // While the server is away, the browser says so.
  page = await open(browser, { expected: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|status of 5/ });
  await signIn(page, dev);
});
after(async () => {
  await browser?.close();
  await dev?.stop();
});
beforeEach(async () => {
  await page.goto(`${dev.url}/live`);
  await isLive();
});

const rows = (text) => page.getByRole('row').filter({ hasText: text });
const isLive = () => page.getByRole('status').getByText('Live', { exact: true }).waitFor();
const ticket = (title) => dev.team.publish({ type: 'ticket.created', data: JSON.stringify({ id: UUID, title, status: 'new', priority: 'high' }) });
const boss = () => dev.team.publish({ type: 'boss.spawned', data: `{"id":"${UUID}","name":"The Backlog"}` });
/** What the rows show, oldest first. */
const titles = async () => (await page.getByRole('cell').filter({ hasText: '"title"' }).allTextContents()).map((text) => JSON.parse(text).title).reverse();

test('W3, R3: an event is shown at once, and opens to what stands in the log', async () => {
  await page.getByText('Waiting for events').waitFor();
  const { envelope } = await ticket('first');
  await rows('first').getByRole('link').click();
  const dialog = page.getByRole('dialog', { name: 'ticket.created' });
  await dialog.getByRole('group', { name: 'event', exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog.getByRole('tab', { name: 'Raw' }).click();
  assert.equal(await dialog.getByRole('group', { name: 'event, raw' }).locator('code').textContent(), envelope);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.goBack();
  await dialog.waitFor();
  await page.goBack();
  await dialog.waitFor({ state: 'detached' });
  assertQuiet(page);
});

test('what is shown follows the type and the search, and the type stands in the address', async () => {
  await ticket('an Apple');
  await boss();
  await rows('boss.spawned').waitFor();
  await page.getByRole('button', { name: /Event type/ }).click();
  await page.getByRole('option', { name: 'ticket.*', exact: true }).click();
  await rows('boss.spawned').waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).searchParams.get('types'), 'ticket.*');
  await page.getByLabel('Search').fill('apple');
  await ticket('a Pear');
  await page.getByText('1 event shown, of 3 that came').waitFor();
  await page.getByLabel('Search').fill('');
  await rows('a Pear').waitFor();
  await page.goBack();
  await rows('boss.spawned').waitFor();
  assertQuiet(page);
});

test('while it is paused nothing moves, and nothing is lost', async () => {
  await ticket('before');
  await rows('before').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await ticket('meanwhile 1');
  await ticket('meanwhile 2');
  const more = page.getByRole('button', { name: '2 new events' });
  await more.waitFor();
  assert.deepEqual(await titles(), ['before']);
  await more.click();
  await rows('meanwhile 2').waitFor();
  assert.deepEqual(await titles(), ['before', 'meanwhile 1', 'meanwhile 2']);
  assertQuiet(page);
});

test('a search that finds nothing, from further down, leaves the list at its top', async () => {
  for (let number = 1; number <= 30; number++) await ticket(`row ${number}`);
  await rows('row 30').waitFor();
  await page.getByRole('rowgroup').evaluate((group) => (group.parentElement.scrollTop = 400));
  await ticket('meanwhile');
  await page.getByRole('button', { name: '1 new event' }).waitFor();
  await page.getByLabel('Search').fill('nobody wrote this');
  await page.getByText('Nothing here matches').waitFor();
  await page.getByLabel('Search').fill('');
  await rows('meanwhile').waitFor();
  await ticket('afterwards');
  await rows('afterwards').waitFor();
  assertQuiet(page);
});

test('R4, R6, R17, R18: a killed server is told as not live; once it is back, nothing was missed', async () => {
  await ticket('1');
  await rows('"1"').waitFor();
  await dev.crash();
  await page.getByRole('status').getByText('Not live, connecting again').waitFor();
  await dev.begin();
  for (const title of ['2', '3', '4']) await ticket(title);
  await isLive();
  await rows('"4"').waitFor();
  assert.deepEqual(await titles(), ['1', '2', '3', '4']);
  assertQuiet(page);
});

test('SEC-2: a session that is revoked loses its stream and is asked to sign in, and whoever may not read events has none', async () => {
  const other = await open(browser);
  await signIn(other, dev, { scopes: ['deliveries:read'] });
  await other.goto(`${dev.url}/live`);
  await other.getByText('Your sign-in does not open this').waitFor();
  assertQuiet(other);

  const gone = await open(browser);
  await signIn(gone, dev);
  await gone.goto(`${dev.url}/live`);
  await gone.getByRole('status').getByText('Live', { exact: true }).waitFor();
  const { key } = await gone.evaluate(async () => (await fetch('/v1/session')).json());
  await dev.team.json(204, 'DELETE', `/keys/${key.id}`);
  await gone.getByLabel('Team key').fill(dev.team.key);
  await gone.getByRole('button', { name: 'Sign in' }).click();
  await gone.getByRole('status').getByText('Live', { exact: true }).waitFor();
  await ticket('after it');
  await gone.getByRole('row').filter({ hasText: 'after it' }).waitFor();
  assertQuiet(gone);
});

test('SEC-2: events of others are not shown to a session of some types', async () => {
  const key = await dev.team.makeKey({ scopes: ['events:read'], types: ['boss.*'] });
  const other = await open(browser);
  await other.goto(dev.url);
  await other.getByLabel('Team key').fill(key);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('link', { name: 'Live' }).click();
  await other.getByRole('status').getByText('Live', { exact: true }).waitFor();
  await ticket('not for them');
  await boss();
  await other.getByRole('row').filter({ hasText: 'boss.spawned' }).waitFor();
  assert.equal(await other.getByRole('row').count(), 2);
  assertQuiet(other);
});
