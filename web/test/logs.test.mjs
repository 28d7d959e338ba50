// The logs in the team settings page: why something failed, when it is tried again, and sending it again.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { assertQuiet, Dev, launch, open, Receiver, signIn, violations } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

const TICKET = '{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Cannot log in","status":"new","priority":"high"}';
/** Fails for good at once. */
const NO_WAITS = '10ms,10ms,10ms';

let dev, browser, receiver, page;
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
  page = await open(browser);
  await signIn(page, dev);
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});
beforeEach(async () => {
  for (const { id } of await dev.team.all('/webhooks')) await dev.team.json(204, 'DELETE', `/webhooks/${id}`);
  receiver.requests.length = 0;
  receiver.answer = { status: 200, body: '{"received":true}' };
});

const button = (name) => page.getByRole('button', { name });
const rows = (text) => page.getByRole('row').filter({ hasText: text });
const deliveries = (webhook, query = {}) => dev.team.all('/deliveries', { webhook: webhook.id, ...query });

/** A webhook with a delivery of each of `count` tickets, once all of them stand so. */
async function sent(count, status, more = {}) {
  const webhook = await dev.team.json(201, 'POST', '/webhooks', { body: { url: receiver.url, events: ['ticket.*'], ...more } });
  for (let sent = 0; sent < count; sent++) await dev.team.publish({ type: 'ticket.created', data: TICKET });
  await waitFor(`${count} deliveries that are ${status}`, async () => (await deliveries(webhook, { status })).length === count);
  return webhook;
}

test('W54: a failure is explained, with when it is tried again', async () => {
  receiver.answer = { status: 503, body: '{"error":"the database is away"}' };
  const webhook = await sent(1, 'retrying');
  await page.goto(`${dev.url}/logs?webhook=${webhook.id}`);
  const row = rows('ticket.created');
  await row.getByText('Your endpoint answered 503 Service Unavailable.').waitFor();
  await row.getByText('Retrying').waitFor();
  assert.match(await row.getByText(/^Next attempt/).textContent(), /^Next attempt in (\d+ sec|1 min)\.?/);

  await row.getByRole('link').click();
  await page.getByText('The endpoint itself failed: its log of that moment says why.').waitFor();
  await page.getByText('The next attempt is').waitFor();
  const [{ next_attempt_at }] = await deliveries(webhook);
  const told = page.getByRole('listitem').filter({ hasText: 'Next attempt' }).locator('time');
  assert.equal(await told.getAttribute('datetime'), next_attempt_at);
  assert.match(await told.getAttribute('title'), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await page.getByRole('region', { name: 'Response of attempt 1' }).getByText('"the database is away"').waitFor();
  assertQuiet(page);
});

test('W54: once the receiver is mended, all that failed is sent again, under the ids of before', async () => {
  receiver.answer = { status: 500, body: 'oh' };
  const webhook = await sent(12, 'failed', { retry_schedule: NO_WAITS });
  const ids = (await deliveries(webhook)).map(({ id }) => id).sort();
  receiver.requests.length = 0;
  receiver.answer = { status: 200, body: 'ok' };
  await page.goto(`${dev.url}/logs?webhook=${webhook.id}`);
  await rows('Failed').first().getByText('Your endpoint answered 500').waitFor();
  await button('Resend all failed…').click();
  const dialog = page.getByRole('alertdialog', { name: 'Resend what failed?' });
  await dialog.getByText('12 deliveries that the filter shows.').waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog.getByRole('button', { name: 'Resend', exact: true }).click();
  const progress = page.getByRole('region', { name: 'Resending' });
  await progress.getByText('12 deliveries resent').waitFor();
  await progress.getByRole('link', { name: 'Show them' }).click();
  await rows('Delivered').nth(11).waitFor();
  assert.equal(await rows('Failed').count(), 0);
  assert.deepEqual(receiver.requests.map(({ headers }) => headers['x-cstar-delivery']).sort(), ids);
  assertQuiet(page);
});

test('W54: one that failed is sent again from its page, and its attempts go on', async () => {
  receiver.answer = { status: 410, body: '' };
  const webhook = await sent(1, 'failed', { retry_schedule: NO_WAITS });
  const [{ id }] = await deliveries(webhook);
  await page.goto(`${dev.url}/logs/${id}`);
  await page.getByText('No further attempt is made by itself').waitFor();
  receiver.answer = { status: 204, body: undefined };
  await page.getByRole('button', { name: 'Resend', exact: true }).click();
  await page.getByText('Attempt 5', { exact: true }).waitFor();
  await page.getByRole('status').getByText('Your endpoint answered 204.').waitFor();
  await page.getByRole('region', { name: 'Response of attempt 5' }).getByText('Its body was empty.').waitFor();
  assertQuiet(page);
});

test('W36, W37: what is copied as curl is the request of before, signature and all', async () => {
  const webhook = await sent(1, 'delivered');
  const { secret } = await dev.team.json(200, 'POST', `/webhooks/${webhook.id}/secret`, { body: { overlap_seconds: 0 } });
  const published = await dev.team.publish({ type: 'ticket.created', data: `{"id":"550e8400-e29b-41d4-a716-446655440000","title":"it's \\"quoted\\" $HOME \`id\` é","status":"new","priority":"low"}` });
  const request = await waitFor('the request', () => receiver.requests[1]);
  assert.equal(request.body.toString(), published.envelope);
  await page.goto(`${dev.url}/logs?webhook=${webhook.id}&event=${JSON.parse(published.envelope).id}`);
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  await page.route('**/events/*', (route) => told.then(() => route.continue()), { times: 1 });
  await rows('Delivered').getByRole('link').click();
  await page.getByRole('region', { name: 'Request of attempt 1' }).getByText(/^POST/).waitFor();
  assert.equal(await button('Copy as curl').count(), 0, 'without its body it would be another request');
  tell();
  await button('Copy as curl').click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  await promisify(execFile)('bash', ['-c', copied]);
  const again = await waitFor('the request of the shell', () => receiver.requests[2]);
  assert.deepEqual(again.body, request.body);
  for (const name of Object.keys(request.headers).filter((name) => /^(x-cstar|webhook-(id|timestamp)|content-type)/.test(name))) {
    assert.equal(again.headers[name], request.headers[name], name);
  }
  assert.equal(again.headers['x-cstar-signature'], createHmac('sha256', secret).update(again.body).digest('hex'));
  assertQuiet(page);
});

test('a filter stands in the address, and the back button undoes it', async () => {
  receiver.answer = { status: 500, body: '' };
  const webhook = await sent(1, 'failed', { retry_schedule: NO_WAITS });
  receiver.answer = { status: 200, body: '' };
  await dev.team.publish({ type: 'ticket.closed', data: TICKET.replace('"new"', '"closed"') });
  await waitFor('the second delivery', async () => (await deliveries(webhook, { status: 'delivered' })).length === 1);
  await page.goto(`${dev.url}/logs?webhook=${webhook.id}`);
  await rows('ticket.closed').waitFor();
  const choose = async (label, option) => {
    await button(new RegExp(label)).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  await choose('Status', 'Failed');
  await rows('ticket.closed').waitFor({ state: 'detached' });
  await choose('Event type', 'boss.*');
  await page.getByText('No delivery matches').waitFor();
  const { search } = new URL(page.url());
  assert.deepEqual(Object.fromEntries(new URLSearchParams(search)), { webhook: webhook.id, status: 'failed', types: 'boss.*' });
  await page.goBack();
  await rows('ticket.created').waitFor();
  await page.goBack();
  await rows('ticket.closed').waitFor();

  const other = await open(browser);
  await signIn(other, dev);
  await other.goto(`${dev.url}/logs${search}`);
  await other.getByText('No delivery matches').waitFor();
  await other.getByRole('button', { name: 'Clear the filter' }).click();
  await other.getByRole('row').filter({ hasText: 'ticket.closed' }).first().waitFor();
  assertQuiet(other);
  assertQuiet(page);
});

test('times between are asked for once they are whole, and a field that is emptied stays', async () => {
  await page.goto(`${dev.url}/logs`);
  await button(/Time/).click();
  await page.getByRole('option', { name: 'Between…' }).click();
  await page.waitForURL(/since=/);
  const length = () => page.evaluate(() => history.length);
  const before = await length();
  const since = page.url();
  await page.getByLabel('Until').fill('2026-03-01T12:00');
  assert.equal(page.url(), since, 'nothing is asked for while somebody types');
  await page.getByLabel('From').fill('');
  await page.waitForURL(/until=2026-03-01T11/);
  await page.getByLabel('Until').focus();
  await page.waitForURL((url) => !url.searchParams.has('since'));
  await page.getByLabel('Until').fill('');
  await page.getByLabel('From').focus();
  await page.waitForURL((url) => url.search === '');
  await page.getByLabel('From').fill('2026-02-01T12:00');
  await page.keyboard.press('Enter');
  await page.waitForURL(/since=2026-02-01T11/);
  assert.equal(await length(), before);
  assertQuiet(page);
});

test('W54: filtering, opening and resending take no mouse', async () => {
  receiver.answer = { status: 500, body: '' };
  const webhook = await sent(2, 'failed', { retry_schedule: NO_WAITS });
  receiver.answer = { status: 200, body: '' };
  await page.goto(`${dev.url}/logs?webhook=${webhook.id}`);
  await rows('Failed').first().waitFor();
  const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  const tabTo = async (name) => {
    const focused = () => page.evaluate(() => (document.activeElement.matches('a, button') ? document.activeElement.textContent : ''));
    for (let presses = 0; presses < 40 && !name.test(await focused()); presses++) await press('Tab');
    assert.match(await focused(), name);
  };
  await tabTo(/Any status/);
  await press('Enter');
  await page.getByRole('option', { name: 'Failed' }).waitFor();
  await page.keyboard.type('Fai');
  await press('Enter');
  await page.waitForURL(/status=failed/);
  await tabTo(/^ticket\.created$/);
  await press('Enter');
  await page.getByRole('heading', { name: 'Attempts' }).waitFor();
  await tabTo(/^\s*Resend$/);
  await press('Enter');
  await page.getByText('Attempt 5', { exact: true }).waitFor();
  await page.goBack();
  await rows('Failed').first().waitFor();
  await page.locator('body').focus();
  await page.reload();
  await button('Resend all failed').waitFor();
  await tabTo(/Resend all failed/);
  await press('Enter');
  await page.getByRole('alertdialog').getByText('1 delivery that').waitFor();
  await tabTo(/^Resend$/);
  await press('Enter');
  await page.getByText('1 delivery resent').waitFor();
  await waitFor('both delivered', async () => (await deliveries(webhook, { status: 'delivered' })).length === 2);
  assertQuiet(page);
});

test('SEC-2: whoever may not read the logs, or not resend, is told so or not offered it', async () => {
  const other = await open(browser);
  await signIn(other, dev, { scopes: ['events:read'] });
  await other.goto(`${dev.url}/logs`);
  await other.getByText('Your sign-in does not open this').waitFor();
  await other.goto(`${dev.url}/logs/dlv_00000g0000000000000000000`);
  await other.getByText('Your sign-in does not open this').waitFor();

  const reader = await open(browser);
  await signIn(reader, dev, { scopes: ['deliveries:read'] });
  await reader.goto(`${dev.url}/logs`);
  await reader.getByRole('row').nth(1).getByRole('link').click();
  await reader.getByText('Your sign-in does not show where it was sent.').last().waitFor();
  assert.equal(await reader.getByRole('button', { name: 'Resend', exact: true }).count(), 0);
  assertQuiet(other);
  assertQuiet(reader);
});

test('what is not there, and a server that is away, are told, and tried again', async () => {
  const other = await open(browser, { expected: /status of 404|ERR_CONNECTION_REFUSED/ });
  await signIn(other, dev);
  await other.goto(`${dev.url}/logs/dlv_00000g0000000000000000000`);
  await other.getByRole('alert').getByText('not_found').waitFor();
  await other.getByRole('link', { name: 'Logs', exact: true }).click();
  await other.getByRole('row').nth(1).waitFor();
  await dev.crash();
  await other.getByRole('row').nth(1).getByRole('link').click();
  await other.getByText('could not be loaded').first().waitFor();
  await dev.begin();
  await other.getByRole('button', { name: 'Try again' }).first().click();
  await other.getByRole('heading', { name: 'Attempts' }).waitFor();
  assertQuiet(other);
});
