// How far it is from nothing to a delivered event.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

const STEPS_MAX = 8;

let dev, browser, receiver;
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});

test('W3: from the link that `cstar dev` prints to a delivered test event in eight clicks or fields at most', async () => {
  const page = await open(browser);
  await page.goto(dev.link);
  const steps = [
    () => page.getByRole('button', { name: 'Continue' }).click(),
    () => page.getByRole('link', { name: 'New webhook' }).click(),
    () => page.getByLabel('URL').fill(receiver.url),
    () => page.getByText('All events').click(),
    () => page.getByRole('button', { name: 'Create webhook' }).click(),
    () => page.getByRole('button', { name: 'Send test' }).click(),
  ];
  assert.ok(steps.length <= STEPS_MAX);
  for (const step of steps) await step();
  await page.getByRole('region', { name: 'Send a test' }).getByText('Your endpoint answered 200').waitFor();
  const { headers } = await waitFor('the test event', () => receiver.requests[0]);
  assert.equal(headers['x-cstar-test'], 'true');
  assertQuiet(page);
});

test('W3: the same by the keyboard alone', async () => {
  const page = await open(browser);
  await page.goto(await dev.newLink());
  const keys = page.keyboard;
  await page.getByRole('button', { name: 'Continue' }).waitFor();
  await keys.press('Enter'); // it has the focus
  await page.getByRole('heading', { name: 'Webhooks' }).waitFor();
  await tabTo(page, 'New webhook');
  await keys.press('Enter');
  await page.getByLabel('URL').waitFor();
  await keys.type(receiver.url);
  await tabTo(page, 'All of ticket');
  await keys.press('Space');
  await tabTo(page, 'Create webhook');
  await keys.press('Enter');
  await page.getByRole('region', { name: 'Copy the signing secret now' }).waitFor();
  await tabTo(page, 'Send test');
  await keys.press('Enter');
  await page.getByRole('region', { name: 'Send a test' }).getByText('Your endpoint answered 200').waitFor();
  const { data } = await dev.team.json(200, 'GET', '/webhooks?limit=1');
  assert.deepEqual(data[0].events, ['ticket.*']);

  await tabTo(page, 'Rotate secret');
  await keys.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let press = 0; press < 12; press++) {
    await keys.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.closest('[role="dialog"]') !== null), 'the focus stays within');
  }
  await keys.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await waitFor('the focus to come back to where it was', async () => (await focused(page)) === 'Rotate secret');
  assertQuiet(page);
});

/** More than any page here has. */
const STOPS_MAX = 80;

/** Presses Tab until what has this name has the focus, and can be seen to have it. */
async function tabTo(page, name) {
  const passed = [];
  for (let press = 0; press < STOPS_MAX; press++) {
    await page.keyboard.press('Tab');
    const here = await focused(page);
    if (here.startsWith(name)) return;
    passed.push(here);
  }
  assert.fail(`no way to ${name} past ${passed.join(' | ')}`);
}

/** What has the focus, by its text or its label's. */
function focused(page) {
  return page.evaluate(() => {
    const { activeElement: at } = document;
    return (at.getAttribute('aria-label') ?? (at.innerText || at.labels?.[0]?.innerText || '')).trim();
  });
}
