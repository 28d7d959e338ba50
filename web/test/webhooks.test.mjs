// Webhooks in the team settings page: registered, tested, changed, rotated, disabled and deleted by hand.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver, shoot, signIn } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

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
beforeEach(() => {
  receiver.requests.length = 0;
  receiver.answer = { status: 200, body: '{"received":true}' };
});

const button = (name) => page.getByRole('button', { name, exact: true });
const theWebhooks = () => dev.team.all('/webhooks');

/** One that is made by the API, shown on its page. */
async function shown(events = ['*']) {
  const webhook = await dev.team.webhook(receiver.url, events);
  await page.goto(`${dev.url}/webhooks/${webhook.id}`);
  await page.getByRole('heading', { name: receiver.url }).waitFor();
  return webhook;
}

async function choose(menu, item) {
  await button(menu).click();
  await page.getByRole('menuitem', { name: item }).click();
}

/** What `x-cstar-signature` is under a secret. */
const plainSignature = (secret, body) => createHmac('sha256', secret).update(body).digest('hex');

/** Whether one of the signatures of a Standard Webhooks header is of this secret. */
function isSignedBy(secret, { headers, body }) {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return headers['webhook-signature'].split(' ').includes(signature);
}

test('W3, W4, W5: a webhook is registered with wildcards, by hand', async () => {
  await page.goto(`${dev.url}/webhooks`);
  await page.getByRole('link', { name: 'New webhook' }).click();
  await button('Create webhook').click();
  await page.getByText('Say where requests go.').waitFor();
  await page.getByText('Choose at least one event.').waitFor();

  await page.getByLabel('URL').fill(receiver.url);
  await page.getByLabel('Description').fill('the helpdesk <b>itself</b>');
  const check = (name) => page.getByRole('checkbox', { name });
  await page.getByText('ticket.created', { exact: true }).click();
  await page.getByText('All of ticket').click();
  assert.ok(await check(/^ticket\.closed/).isChecked(), 'a wildcard shows what it takes');
  assert.ok(await check(/^ticket\.closed/).isDisabled());
  await page.getByText('boss.defeated', { exact: true }).click();
  await page.getByLabel('Other patterns').fill('*.submitted');
  await page.getByText('6 of 14 types').waitFor();
  await shoot(page, 'webhook-new');
  await button('Create webhook').click();

  const fresh = page.getByRole('region', { name: 'Copy the signing secret now' });
  const secret = await fresh.locator('code', { hasText: /^whsec_/ }).textContent();
  await button('Copy secret').click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await page.getByText('the helpdesk <b>itself</b>').waitFor();
  await shoot(page, 'webhook-made');

  const [made] = await theWebhooks();
  assert.deepEqual([made.url, made.events], [receiver.url, ['ticket.*', 'boss.defeated', '*.submitted']]);
  await dev.team.publish({
    type: 'ticket.created',
    data: '{"id":"550e8400-e29b-41d4-a716-446655440000","title":"a","status":"new","priority":"low"}',
  });
  const request = await waitFor('the delivery', () => receiver.requests[0]);
  assert.equal(request.headers['x-cstar-signature'], plainSignature(secret, request.body));

  await page.reload();
  await page.getByRole('heading', { name: receiver.url }).waitFor();
  assert.equal(await page.getByText(secret).count(), 0, 'SEC-3: it was shown once');
  assertQuiet(page);
});

test('W3: what the server has against a field stands beside it', async () => {
  await page.goto(`${dev.url}/webhooks/new`);
  await page.getByLabel('URL').fill('https://user:secret@example.com/hook');
  await page.getByText('All events').click();
  await button('Create webhook').click();
  const field = page.getByLabel('URL');
  await page.locator('[aria-invalid="true"]').waitFor();
  assert.ok(await field.evaluate((input) => input === document.activeElement), 'the reader is led there');
  assert.match(await page.getByText(/credentials/).textContent(), /^This URL/);
  await page.getByLabel('Other patterns').fill('**');
  await field.fill(receiver.url);
  await button('Create webhook').click();
  await page.getByRole('group', { name: 'Events' }).getByRole('alert').waitFor();
  assertQuiet(page);
});

test('W3, W54: a test is sent, and what came of it stands there at once', async () => {
  await shown(['boss.*']);
  await button('Send test').click();
  await page.getByRole('region', { name: 'Send a test' }).getByText('Your endpoint answered 200').waitFor();
  assert.deepEqual(
    receiver.requests.map(({ headers }) => [headers['x-cstar-event'], headers['x-cstar-test']]),
    [['boss.spawned', 'true']],
  );
  receiver.answer = { status: 503, body: '<script>window.stolen = 1</script>', headers: { 'x-reason': 'busy' } };
  await page.getByRole('button', { name: /Event type/ }).click();
  await page.getByRole('option', { name: /boss\.defeated/ }).click();
  await button('Send test').click();
  await page.getByRole('region', { name: 'Send a test' }).getByText('Your endpoint answered 503').waitFor();
  await page.getByText('<script>window.stolen = 1</script>').waitFor();
  await page.getByRole('button', { name: 'Headers of the answer' }).click();
  await page.getByText('x-reason: busy').waitFor();
  await shoot(page, 'webhook-test-failed');
  assert.equal(await page.evaluate(() => globalThis.stolen), undefined, 'answers are text');
  assertQuiet(page);
});

test('W3, T3: a rotation is explained, signs with both secrets, and is ended early', async () => {
  const { secret: old } = await shown();
  await button('Rotate secret').click();
  await page.getByText('For a while the old one stays valid beside it').waitFor();
  await shoot(page, 'webhook-rotate');
  await button('Make a new secret').click();
  const fresh = page.getByRole('region', { name: 'Copy the signing secret now' });
  const secret = await fresh.locator('code', { hasText: /^whsec_/ }).textContent();
  assert.notEqual(secret, old);

  const ping = async (count) => {
    await button('Send test').click();
    return waitFor('the test', () => receiver.requests[count]);
  };
  const during = await ping(0);
  assert.ok(isSignedBy(secret, during) && isSignedBy(old, during));
  assert.equal(during.headers['x-cstar-signature'], plainSignature(old, during.body));

  await page.getByText('Two secrets are valid until').waitFor();
  await shoot(page, 'webhook-overlap');
  await button('End the overlap now').click();
  await page.getByText('Two secrets are valid until').waitFor({ state: 'hidden' });
  const afterwards = await ping(1);
  assert.ok(isSignedBy(secret, afterwards) && !isSignedBy(old, afterwards));
  assert.equal(afterwards.headers['x-cstar-signature'], plainSignature(secret, afterwards.body));
  assertQuiet(page);
});

test('W3: a webhook is changed, and only in what was changed', async () => {
  const { id } = await shown(['ticket.*']);
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByText('customer.created', { exact: true }).click();
  await page.getByRole('button', { name: 'Order, rate and retries' }).click();
  await page.getByText('One at a time, in order').click();
  await page.getByLabel('Most attempts a second').fill('5');
  await page.getByLabel('Retry schedule').fill('10s,1m');
  const asked = page.waitForRequest((request) => request.method() === 'PATCH');
  await button('Save changes').click();
  const change = { events: ['ticket.*', 'customer.created'], ordered: true, rate_limit: 5, retry_schedule: '10s,1m' };
  assert.deepEqual((await asked).postDataJSON(), change);
  await page.getByText('At most 5 attempts a second').waitFor();
  const now = await dev.team.json(200, 'GET', `/webhooks/${id}`);
  assert.deepEqual(
    { events: now.events, ordered: now.ordered, rate_limit: now.rate_limit, retry_schedule: now.retry_schedule },
    change,
  );
  assertQuiet(page);
});

test('W3: a webhook is disabled with what that means, says so, and is enabled again', async () => {
  const { id } = await shown();
  const status = async () => (await dev.team.json(200, 'GET', `/webhooks/${id}`)).status;
  await choose('More', 'Disable…');
  await page.getByText('What waits to be sent is cancelled').waitFor();
  await button('Disable').click();
  await page.getByText('Somebody disabled it.').waitFor();
  assert.equal(await status(), 'disabled');
  assert.equal(await button('Send test').count(), 0);
  await shoot(page, 'webhook-disabled');
  await button('Enable').click();
  await page.getByText('Enabled', { exact: true }).waitFor();
  assert.equal(await status(), 'enabled');
  assertQuiet(page);
});

test('W3, W54: what a webhook missed while it was disabled is sent, and the logs show it', async () => {
  const { id } = await shown(['boss.*']);
  await dev.team.json(200, 'PATCH', `/webhooks/${id}`, { body: { enabled: false } });
  await dev.team.publish({ type: 'boss.spawned', data: '{"id":"1b4e"}' });
  await dev.team.json(200, 'PATCH', `/webhooks/${id}`, { body: { enabled: true } });
  await page.reload();
  await choose('More', 'Send what it missed…');
  await shoot(page, 'webhook-recover');
  await button('Send again').click();
  await page.getByRole('heading', { name: 'Logs' }).waitFor();
  await page
    .getByRole('row', { name: /boss\.spawned/ })
    .getByText('Delivered')
    .waitFor();
  assert.equal(receiver.requests[0].headers['x-cstar-event'], 'boss.spawned');
  assertQuiet(page);
});

test('W3: a webhook is deleted once that was confirmed', async () => {
  const { id } = await shown();
  await choose('More', 'Delete…');
  await button('Cancel').click();
  assert.ok((await theWebhooks()).some((webhook) => webhook.id === id));
  await choose('More', 'Delete…');
  await shoot(page, 'webhook-delete');
  await button('Delete').click();
  await page.getByText('The webhook was deleted.').waitFor();
  assert.ok(!(await theWebhooks()).some((webhook) => webhook.id === id));
  await page.goto(`${dev.url}/webhooks/${id}`);
  await page.getByText('This could not be loaded').waitFor();
  assertQuiet(page);
});
