// What stands in the place of what is not there: nothing yet, on its way, not to be had, not for this session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open } from './harness.mjs';

const PAGES = [
  { name: 'webhooks', path: '/webhooks', empty: 'No webhooks yet', scope: 'webhooks:read', other: 'events:read' },
  { name: 'a webhook', path: '/webhooks/wh_00000000000000000000000001', scope: 'webhooks:read', other: 'events:read' },
  { name: 'logs', path: '/logs', empty: 'Nothing was sent yet', scope: 'deliveries:read', other: 'events:read' },
  { name: 'a delivery', path: '/logs/dlv_00000g0000000000000000000', scope: 'deliveries:read', other: 'events:read' },
  { name: 'live', path: '/live', empty: 'Waiting for events', scope: 'events:read', other: 'webhooks:read' },
  { name: 'event types', path: '/event-types', scope: 'events:read' },
  { name: 'an event type', path: '/event-types/ticket.created', scope: 'events:read' },
  { name: 'keys', path: '/keys', empty: 'No keys', scope: 'keys:write', other: 'events:read' },
];
const BROKEN = { type: '/errors/bad_query', title: 'Bad query', status: 400, code: 'bad_query', detail: 'made up', request_id: 'r1' };

let dev, browser, team;
before(async () => {
  [dev, browser] = await Promise.all([Dev.start(), launch()]);
  team = (await dev.api.json(201, 'POST', '/v1/teams', { body: { name: 'new' } })).id;
});
after(async () => {
  await browser?.close();
  await dev?.stop();
});

/** A session of a team that has nothing. */
async function enter(scopes) {
  const page = await open(browser);
  const link = await dev.api.json(201, 'POST', `/v1/teams/${team}/portal-links`, { body: { scopes } });
  await page.goto(link.url);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return page;
}

/** Holds what the page asks of the API, but for whose session it is, until it is told how to answer. */
async function hold(page) {
  const held = [];
  let answer = (route) => held.push(route);
  const isAsked = (url) => url.pathname.startsWith('/v1/') && url.pathname !== '/v1/session';
  await page.route(isAsked, (route) => answer(route));
  return (how) => {
    answer = how;
    for (const route of held.splice(0)) how(route);
  };
}

const isBroken = (route) =>
  route.fulfill({ status: 400, contentType: 'application/problem+json', body: JSON.stringify(BROKEN) });

for (const { name, path, empty, scope } of PAGES.filter(({ name }) => name !== 'live')) {
  test(`W3, W54: ${name}: on its way, not to be had, tried again`, async () => {
    const page = await enter([scope]);
    const answer = await hold(page);
    await page.goto(dev.url + path);
    await page.getByRole('status', { name: 'Loading' }).first().waitFor();
    answer(isBroken);
    const alert = page.getByRole('alert').filter({ hasText: 'made up' }).first();
    await alert.waitFor();
    answer((route) => route.continue());
    await page.getByRole('button', { name: 'Try again' }).first().click();
    if (empty) await page.getByText(empty).waitFor();
    await alert.waitFor({ state: 'hidden' });
    assertQuiet(page);
  });
}

test('W3: the live page is empty, and says that it is not live and why', async () => {
  const page = await enter(['events:read']);
  const answer = await hold(page);
  await page.goto(`${dev.url}/live`);
  await page.getByText('Connecting').first().waitFor();
  answer(isBroken);
  await page.getByText('Not live').first().waitFor();
  answer((route) => route.continue());
  await page.getByRole('button', { name: 'Connect again' }).click();
  await page.getByText('Waiting for events').waitFor();
  assertQuiet(page);
});

test('SEC-2: each page that a session may not read says so', async () => {
  for (const scope of ['events:read', 'webhooks:read']) {
    const page = await enter([scope]);
    for (const { path } of PAGES.filter(({ other }) => other === scope)) {
      await page.goto(dev.url + path);
      await page.getByText('Your sign-in does not open this').first().waitFor();
    }
    assertQuiet(page);
  }
});

test('the states are those of every page', async () => {
  const page = await enter(['events:read', 'webhooks:read', 'deliveries:read', 'keys:write']);
  const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').all();
  const paths = await Promise.all(links.map((link) => link.getAttribute('href')));
  assert.deepEqual(paths.filter((path) => !PAGES.some((page) => page.path === path)), []);
  assert.ok(paths.length >= 5, String(paths));
});
