// Getting in, and out again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, shoot, signIn, violations } from './harness.mjs';

let dev, browser;
before(async () => {
  [dev, browser] = await Promise.all([Dev.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await dev?.stop();
});

const pages = (page) => page.getByRole('navigation', { name: 'Pages' });

/** Where a page with nothing on it is, by whether it asks to sign in. */
async function signInWithKey(page, key) {
  await page.goto(`${dev.url}/`);
  await page.getByLabel('Team key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('W3: a team key signs in, to the page that was asked for, and stays out of reach of scripts', async () => {
  const page = await open(browser);
  await page.goto(`${dev.url}/keys`);
  await page.getByLabel('Team key').fill(` ${dev.team.key} `);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await pages(page).waitFor();
  assert.equal(new URL(page.url()).pathname, '/keys');
  assert.equal(await page.getByText('dev', { exact: true }).first().textContent(), 'dev', 'the team is named');
  const kept = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.doesNotMatch(kept, /csk_/);
  await page.reload();
  await pages(page).waitFor();
  assertQuiet(page);
});

test('W3: what is no key of a team is refused in place, with what to do', async () => {
  const page = await open(browser);
  await signInWithKey(page, 'csk_nobodys');
  await page.getByText(/This key is not known|not whole/).waitFor();
  await page.getByLabel('Team key').fill(dev.api.platformKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText("Sign in with a team's key.").waitFor();
  await shoot(page, 'sign-in-refused');
  assertQuiet(page);
});

test('W3: a link signs in once; opening it uses nothing up, and it does not stay in the address', async () => {
  const link = await dev.newLink();
  const scanner = await open(browser);
  await scanner.goto(link);
  await scanner.getByRole('button', { name: 'Continue' }).waitFor();
  assert.equal(scanner.url(), `${dev.url}/portal`);

  const page = await open(browser);
  await page.goto(link);
  await page.getByRole('button', { name: 'Continue' }).click();
  await pages(page).waitFor();
  assert.equal(new URL(page.url()).pathname, '/webhooks');

  await scanner.getByRole('button', { name: 'Continue' }).click();
  await scanner.getByRole('heading', { name: 'This link does not open anymore' }).waitFor();
  await scanner.getByText(/used before, has expired, or is not whole/).waitFor();
  await shoot(scanner, 'link-used');
  assertQuiet(page);
  assertQuiet(scanner);
});

test('W3: signing out ends the session everywhere', async () => {
  const page = await open(browser);
  await signIn(page, dev);
  const [{ value }] = await page.context().cookies();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Team key').waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  const answer = await dev.api.request('GET', '/v1/session', { key: value });
  assert.equal(answer.status, 401, 'its key opens nothing any more');
  assertQuiet(page);
});

test('W3: a session that ends meanwhile asks to sign in over the page, and what was filled in is still there', async () => {
  const page = await open(browser);
  await signIn(page, dev);
  await page.goto(`${dev.url}/webhooks/new`);
  await page.getByLabel('URL').fill('http://127.0.0.1:8081/half-filled');
  const session = await page.evaluate(async () => (await fetch('/v1/session')).json());
  await dev.team.json(204, 'DELETE', `/keys/${session.key.id}`);
  await page.getByText('All events').click();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByText('Your session has ended').waitFor();
  await shoot(page, 'session-ended');
  await page.keyboard.press('Escape');
  assert.deepEqual(await violations(page), []);
  await page.getByLabel('Team key').fill(dev.team.key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await pages(page).waitFor();
  assert.equal(new URL(page.url()).pathname, '/webhooks/new');
  assert.equal(await page.getByLabel('URL').inputValue(), 'http://127.0.0.1:8081/half-filled');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByRole('region', { name: 'Copy the signing secret now' }).waitFor();
  assertQuiet(page);
});

test('SEC-2: a page learns that another tab has signed in to another team, and shows nothing more of its own', async () => {
  const page = await open(browser);
  await signIn(page, dev);
  await page.goto(`${dev.url}/webhooks/new`);
  await page.getByLabel('URL').fill('https://example.com/of-the-first-team');
  await page.getByText('All events').click();
  const other = (await dev.api.json(201, 'POST', '/v1/teams', { body: { name: 'another team' } })).id;
  const link = (await dev.api.json(201, 'POST', `/v1/teams/${other}/portal-links`, { body: {} })).url;
  const tab = await page.context().newPage();
  await tab.goto(link);
  await tab.getByRole('button', { name: 'Continue' }).click();
  await pages(tab).waitFor();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByText('another team').first().waitFor();
  assert.equal(await page.getByLabel('URL').inputValue(), '');
  assertQuiet(page);
});

test('W3: a second link that is opened in the same tab is taken, and does not stay in the address', async () => {
  const page = await open(browser);
  await page.goto(`${dev.url}/portal#cpl_used_up`);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'This link does not open anymore' }).waitFor();
  await page.goto(await dev.newLink());
  await page.getByRole('button', { name: 'Continue' }).waitFor();
  assert.equal(page.url(), `${dev.url}/portal`);
  await page.getByRole('button', { name: 'Continue' }).click();
  await pages(page).waitFor();
  assertQuiet(page);
});

test('SEC-2: what the session may not do is not offered, and said where it is asked for', async () => {
  const page = await open(browser);
  await signIn(page, dev, { scopes: ['webhooks:read'] });
  await page.getByText('No webhooks yet').or(page.getByRole('list')).first().waitFor();
  assert.equal(await page.getByRole('link', { name: 'New webhook' }).count(), 0);
  await page.goto(`${dev.url}/webhooks/new`);
  await page.getByRole('heading', { name: 'Your sign-in does not open this' }).waitFor();
  assertQuiet(page);
});
