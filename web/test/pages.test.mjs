// Every page, wide and narrow, light and dark: nothing that axe finds, nothing wider than the window, nothing that the page's
// policy forbids. The pictures are for people.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver, shoot, signIn, violations } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

const SCOPES = [
  'events:write',
  'events:read',
  'webhooks:read',
  'webhooks:write',
  'deliveries:read',
  'deliveries:write',
  'keys:write',
];
/** Both widths and both schemes, each once; the contrast of each page is looked at in the other scheme, too. */
const LOOKS = [
  ['wide', 'light', { width: 1440, height: 900 }],
  ['narrow', 'dark', { width: 375, height: 740 }],
];

let dev, browser, receiver;
const paths = {};
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
  Object.assign(paths, await furnish());
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});

/** Something on every page: webhooks that are well, that fail and that are disabled, and what was sent to them. */
async function furnish() {
  const { team } = dev;
  const well = await team.webhook(receiver.url, ['ticket.*', 'customer.created', 'boss.defeated']);
  await team.json(200, 'PATCH', `/webhooks/${well.id}`, { body: { description: 'The helpdesk’s own server' } });
  const off = await team.webhook(`${receiver.url}/with/a/long/path/that/somebody/chose/for/reasons/of/their/own`, ['*']);
  await team.json(200, 'PATCH', `/webhooks/${off.id}`, { body: { enabled: false } });
  const ticket =
    '{"id":"550e8400-e29b-41d4-a716-446655440000","title":"Cannot <i>log in</i>","status":"new","priority":"high"}';
  for (let count = 0; count < 3; count++) await team.publish({ type: 'ticket.created', data: ticket });
  await waitFor('deliveries', () => receiver.requests.length >= 3);
  receiver.answer = { status: 500, body: '{"error":"<img src=x onerror=alert(1)>"}' };
  const failing = await team.webhook(receiver.url, ['boss.*']);
  await team.publish({ type: 'boss.defeated', data: '{"id":"1b4e"}' });
  const [delivery] = await waitFor('a failed attempt', async () => {
    const rows = await team.all('/deliveries', { webhook: failing.id });
    return rows[0]?.last_attempt && rows;
  });
  return {
    webhooks: '/webhooks',
    'webhook-new-empty': '/webhooks/new',
    webhook: `/webhooks/${well.id}`,
    'webhook-failing': `/webhooks/${failing.id}`,
    'webhook-off': `/webhooks/${off.id}`,
    'webhook-edit': `/webhooks/${well.id}/edit`,
    logs: '/logs',
    delivery: `/logs/${delivery.id}`,
    live: '/live',
    'event-types': '/event-types',
    'event-type': '/event-types/ticket.created',
    keys: '/keys',
    nowhere: '/webhooks/a/b/c',
  };
}

for (const [width, scheme, viewport] of LOOKS) {
  test(`W3, W54: every page is well, ${width} and ${scheme}`, async () => {
    const page = await open(browser, { colorScheme: scheme, viewport, reducedMotion: 'reduce' });
    const found = [];
    const look = async (name) => found.push(...(await faults(page, `${name}-${width}`, scheme)));
    await page.goto(`${dev.url}/`);
    await page.getByLabel('Team key').waitFor();
    await look('sign-in');
    await page.goto(await dev.newLink({ scopes: SCOPES }));
    await look('link');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(dev.url + path);
      if (name === 'live') await fillLive(page);
      await look(name);
    }
    assert.deepEqual(found, []);
    assertQuiet(page);
  });
}

/** Events on the live page, of those that are kept. */
async function fillLive(page) {
  await page.getByRole('button', { name: 'Replay what is kept' }).click();
  await page.getByRole('row').filter({ hasText: 'boss.defeated' }).waitFor();
}

/** What is wrong with a page, once all of it is there; and a picture of it. */
async function faults(page, name, scheme) {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.locator('[role="status"][aria-label="Loading"]').first().waitFor({ state: 'hidden' });
  await shoot(page, `${name}-${scheme}`);
  const found = await violations(page);
  await page.emulateMedia({ colorScheme: scheme === 'light' ? 'dark' : 'light' });
  // A colour on its way from the one to the other is neither.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
  found.push(...(await violations(page, 'color-contrast')));
  await page.emulateMedia({ colorScheme: scheme });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wider > 0) found.push(`it is ${wider} pixels wider than the window`);
  if (!/^.+ · cStar$/.test(await page.title())) found.push(`its title is ${await page.title()}`);
  return found.map((fault) => `${name}: ${fault}`);
}

test('the colours that somebody chose stay', async () => {
  const page = await open(browser, { colorScheme: 'light' });
  await signIn(page, dev);
  const isDark = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme === 'dark');
  await page.getByRole('button', { name: 'Colours: system' }).click();
  await page.getByRole('button', { name: 'Colours: light' }).click();
  assert.ok(await isDark());
  await page.reload();
  await page.getByRole('button', { name: 'Colours: dark' }).waitFor();
  assert.ok(await isDark());
  assertQuiet(page);
});
