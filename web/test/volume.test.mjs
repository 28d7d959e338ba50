// Many rows: what is drawn is bounded. CSTAR_FRAMES=1 fills the log with 50,000 and measures frames while it scrolls.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver, signIn } from './harness.mjs';

const MEASURES = process.env.CSTAR_FRAMES === '1';
const EVENTS = MEASURES ? 50_000 : 3000;
const BATCH = 1000;
/** More rows are never drawn, however many there are and however high the window is. */
const DRAWN_MAX = 60;
/** Until all rows are there. */
const DEADLINE_MS = 300_000;
/** What a frame may take. */
const FRAME_MS = 50;

let dev, browser, receiver, page;
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
  page = await open(browser);
  await signIn(page, dev);
  await fill();
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});

/** As many deliveries, none of them sent: they wait for their turn until the webhook is disabled, which cancels them. */
async function fill() {
  const webhook = await dev.team.json(201, 'POST', '/webhooks', { body: { url: receiver.url, events: ['boss.*'], rate_limit: 1 } });
  const events = Array.from({ length: BATCH }, () => ({ type: 'boss.spawned', data: '{"id":"1b4e28ba","name":"The Backlog","level":3}' }));
  for (let sent = 0; sent < EVENTS; sent += BATCH) await dev.team.publishBatch(events);
  await dev.team.json(200, 'PATCH', `/webhooks/${webhook.id}`, { body: { enabled: false } });
  await dev.team.json(200, 'PATCH', `/webhooks/${webhook.id}`, { body: { enabled: true } });
}

const drawn = () => page.getByRole('table').getByRole('row').count();
const isCounted = (text) => page.getByText(text).waitFor({ timeout: DEADLINE_MS });

/** Scrolls through what is there, more than a page a frame; where it came to. */
function scroll(seconds) {
  return page.evaluate(async (seconds) => {
    const frame = document.querySelector('[role=rowgroup]').parentElement;
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await new Promise(requestAnimationFrame)) {
      frame.scrollTop += frame.clientHeight * 1.5;
    }
    return frame.scrollTop;
  }, seconds);
}

/**
 * The longest that the page's thread worked without a break meanwhile, in milliseconds of its own time: on a machine that does
 * other work too, the time on the wall says nothing.
 */
async function longestTask(work) {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
  await work();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const main = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ pid, tid, tdur }) => tdur && main.has(`${pid} ${tid}`)).map(({ tdur }) => tdur / 1000);
  return { longest: Math.max(...tasks), tasks: tasks.length };
}

async function assertSmooth(what, work) {
  if (!MEASURES) return;
  const { longest, tasks } = await longestTask(work);
  console.log(`${what}: ${EVENTS} rows, ${tasks} tasks, the longest ${longest.toFixed(1)} ms`);
  assert.ok(longest <= FRAME_MS);
}

test('the live page draws those of its rows that are seen, however many came', async () => {
  await page.goto(`${dev.url}/live`);
  await page.getByRole('button', { name: 'Replay what is kept' }).click();
  await isCounted(`${EVENTS.toLocaleString('en-GB')} events shown`);
  assert.ok((await drawn()) < DRAWN_MAX);
  assert.ok((await scroll(1)) > 0);
  assert.ok((await drawn()) < DRAWN_MAX);
  await assertSmooth('live', () => scroll(5));
  assertQuiet(page);
});

test('W54: the logs draw those of their rows that are seen, and ask for more as somebody scrolls', async () => {
  await page.goto(`${dev.url}/logs`);
  await page.getByText('so far; scroll for older ones').waitFor();
  const count = async () => Number((await page.getByText(/^[\d,]+ deliver/).textContent()).replaceAll(',', '').match(/^\d+/)[0]);
  for (const end = Date.now() + DEADLINE_MS; (await count()) < (MEASURES ? EVENTS : 1000); ) {
    assert.ok(Date.now() < end, `${await count()} rows are there`);
    await scroll(1);
    assert.ok((await drawn()) < DRAWN_MAX);
  }
  await page.getByRole('table').evaluate((table) => (table.querySelector('[role=rowgroup]').parentElement.scrollTop = 0));
  await assertSmooth('logs', () => scroll(5));
  assertQuiet(page);
});

test('W54: a resend of many shows how far it has come, and is cancelled', async () => {
  // The server may be done before anybody can press: what it tells of how far it is, is told slower.
  const DONE = 1000;
  let status = 'running';
  await page.route(/\/operations\?/, async (route) => {
    const response = await route.fetch();
    const { data, ...rest } = await response.json();
    await route.fulfill({ response, json: { ...rest, data: data.map((operation) => ({ ...operation, status, done: DONE, skipped: 0 })) } });
  });
  await page.goto(`${dev.url}/logs?status=cancelled`);
  await page.getByRole('button', { name: 'Resend all cancelled…' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('deliveries').first().waitFor();
  await dialog.getByRole('button', { name: 'Resend', exact: true }).click();
  const progress = page.getByRole('region', { name: 'Resending' });
  await progress.getByRole('progressbar').waitFor();
  const [operation] = (await dev.team.json(200, 'GET', '/operations')).data;
  const asked = page.waitForRequest((request) => request.method() === 'DELETE');
  await progress.getByRole('button', { name: 'Cancel', exact: true }).click();
  assert.equal(new URL((await asked).url()).pathname, `${dev.team.path}/operations/${operation.id}`);
  status = 'cancelled';
  await progress.getByText(/^Cancelled after 1,000 deliveries had been resent/).waitFor();
  assertQuiet(page);
});
