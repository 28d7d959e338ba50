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
  await waitFor('the reader to be led there', () => field.evaluate((input) => input === document.activeElement));
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
  await page.locator('a[href^="/logs/"]', { hasText: 'Its delivery' }).waitFor();
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

test('SEC-3: a secret whose form was left while it was being made is still shown, and none can be left by mistake', async () => {
  await shown();
  let answer;
  const mayAnswer = new Promise((resolve) => (answer = resolve));
  await page.route('**/secret', async (route) => {
    const response = await route.fetch();
    await mayAnswer;
    await route.fulfill({ response });
  });
  await button('Rotate secret').click();
  const sent = page.waitForRequest('**/secret');
  await button('Make a new secret').click();
  await sent;
  await page.keyboard.press('Escape');
  assert.ok(await button('Cancel').isDisabled());
  await page.getByRole('dialog').waitFor();
  await page.evaluate(() => history.pushState(null, '', '/keys'));
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  const answered = page.waitForResponse('**/secret');
  answer();
  await answered;
  await page.unroute('**/secret');
  await page.goBack();
  await page.getByRole('region', { name: 'Copy the signing secret now' }).waitFor();
  await button('I have kept it').click();
  await page.getByRole('region', { name: 'Copy the signing secret now' }).waitFor({ state: 'hidden' });
  assertQuiet(page);
});

test('SEC-2, SEC-3: who may make webhooks and not read them is shown the secret', async () => {
  const writer = await open(browser);
  await signIn(writer, dev, { scopes: ['webhooks:write'] });
  await writer.goto(`${dev.url}/webhooks/new`);
  await writer.getByLabel('URL').fill(receiver.url);
  await writer.getByText('All events').click();
  await writer.getByRole('button', { name: 'Create webhook' }).click();
  await writer.getByRole('region', { name: 'Copy the signing secret now' }).waitFor();
  assertQuiet(writer);
});

test('W3: while an overlap is open, the one before is ended first or both end at once', async () => {
  const { id } = await shown();
  await dev.team.json(200, 'POST', `/webhooks/${id}/secret`, { body: {} });
  await page.reload();
  await button('Rotate secret').click();
  await page.getByText('An overlap is still open').waitFor();
  await shoot(page, 'webhook-rotate-overlap');
  await button('End the overlap first').click();
  await page.getByText('An overlap is still open').waitFor({ state: 'hidden' });
  await button('Make a new secret').click();
  await page.getByRole('region', { name: 'Copy the signing secret now' }).waitFor();
  await page.getByText('Two secrets are valid until').waitFor();
  await button('Rotate secret').click();
  await button('Make a new secret').click();
  await page.getByText('Two secrets are valid until').waitFor({ state: 'hidden' });
  assertQuiet(page);
});

test('W3: what others changed since the form was opened is not undone', async () => {
  const { id } = await shown(['ticket.*']);
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Description').fill('mine');
  await dev.team.json(200, 'PATCH', `/webhooks/${id}`, { body: { events: ['boss.*'], description: 'theirs' } });
  await button('Save changes').click();
  await page.getByText('Somebody changed this webhook after you opened it here').waitFor();
  await shoot(page, 'webhook-changed-meanwhile');
  await button('Load it as it is now').click();
  await page.getByText('Somebody changed this webhook').waitFor({ state: 'hidden' });
  assert.equal(await page.getByLabel('Description').inputValue(), 'theirs');
  await page.getByLabel('Description').fill('mine after all');
  await button('Save changes').click();
  await page.getByRole('heading', { name: receiver.url }).waitFor();
  const { events, description } = await dev.team.json(200, 'GET', `/webhooks/${id}`);
  assert.deepEqual([events, description], [['boss.*'], 'mine after all']);
  assertQuiet(page);
});

test('W3: what is typed beside the boxes counts, and what is no number takes no limit away', async () => {
  const { id } = await shown(['ticket.*']);
  await dev.team.json(200, 'PATCH', `/webhooks/${id}`, { body: { rate_limit: 5 } });
  await page.goto(`${dev.url}/webhooks/${id}/edit`);
  await page.getByLabel('Other patterns').fill('boss.defeated, *.submitted');
  await page.getByRole('button', { name: 'Order, rate and retries' }).click();
  await page.getByLabel('Most attempts a second').fill('10/s');
  await page.getByLabel('Description').fill('-it\'s');
  assert.equal(await page.getByLabel('Other patterns').inputValue(), '*.submitted');
  assert.ok(await page.getByRole('checkbox', { name: /^boss\.defeated/ }).isChecked());
  await page.getByRole('button', { name: 'By API or command line' }).click();
  await page.getByRole('tab', { name: 'Command line' }).click();
  const command = await page.getByRole('tabpanel').textContent();
  assert.match(command, /--events 'ticket\.\*,boss\.defeated,\*\.submitted' --description='-it'\\''s'/);
  await button('Save changes').click();
  await page.getByText('At most 5 attempts a second').waitFor();
  const { events } = await dev.team.json(200, 'GET', `/webhooks/${id}`);
  assert.deepEqual(events, ['ticket.*', 'boss.defeated', '*.submitted']);
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
