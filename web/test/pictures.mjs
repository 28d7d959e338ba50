// The pictures of the README, taken anew: `npm run pictures`, with a binary that has the page.
import { mkdir, writeFile } from 'node:fs/promises';

import { waitFor } from '../../tests/node/wait.mjs';
import { Dev, launch, open, Receiver, signIn } from './harness.mjs';

const PICTURES = new URL('../../docs/images/', import.meta.url);
const VIEWPORT = { width: 1280, height: 800 };
/** Of WebP, 0 to 100: text stays sharp. */
const QUALITY = 82;

const TAKEN = { status: 200, body: '{"received":true}' };
const BUSY = { status: 503, body: '{"error":"try later"}' };
/** How the endpoints answer, one event after the other. */
const COURSE = [
  { answer: TAKEN, events: 30 },
  { answer: BUSY, events: 9 },
  { answer: TAKEN, events: 21 },
];

const [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
try {
  const shown = await furnish();
  const page = await open(browser, { viewport: VIEWPORT, colorScheme: 'light', reducedMotion: 'reduce' });
  await signIn(page, dev);
  for (const [name, path, ready] of shown) {
    await page.goto(dev.url + path);
    await ready(page);
    await take(page, name);
  }
} finally {
  await browser.close();
  await receiver.stop();
  await dev.stop();
}

/** Two webhooks, one of which was failing for a while; what to show of it, and how to see that it is all there. */
async function furnish() {
  const { team } = dev;
  const types = await team.api.json(200, 'GET', '/v1/event-types?limit=100');
  await team.webhook(receiver.url, ['ticket.*', 'customer.*']);
  const failing = await team.webhook(`${receiver.url}/crm`, ['survey.submitted', 'boss.*']);
  let place = 0;
  for (const { answer, events } of COURSE) {
    receiver.answer = answer;
    for (const end = place + events; place < end; place++) {
      const { type, example } = types.data[(place * 5) % types.data.length];
      await team.publish({ type, data: JSON.stringify(example) });
    }
    await waitFor('every attempt', async () => (await team.all('/deliveries', {})).every((row) => row.last_attempt));
  }
  const [retrying] = await team.all('/deliveries', { webhook: failing.id, status: 'retrying' });
  return [
    ['webhook', `/webhooks/${failing.id}`, (page) => page.getByText(/of \d+ deliveries/).waitFor()],
    ['delivery', `/logs/${retrying.id}`, (page) => page.getByText('Request and response of attempt 1').waitFor()],
    ['live', '/live', replay],
  ];
}

async function replay(page) {
  await page.getByRole('button', { name: 'Replay what is kept' }).click();
  await page.getByRole('row').nth(12).waitFor();
}

async function take(page, name) {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await mkdir(PICTURES, { recursive: true });
  await writeFile(new URL(`${name}.webp`, PICTURES), Buffer.from(data, 'base64'));
}
