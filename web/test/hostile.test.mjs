// What strangers wrote is text: in events, in answers, in names.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { assertQuiet, Dev, launch, open, Receiver, signIn } from './harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';

const MARKUP = '<img src=x onerror="globalThis.stolen=1"><script>globalThis.stolen=1</script>"\'`${globalThis.stolen=1}';
const LINK = 'javascript:globalThis.stolen=1//https://example.com';
const TURNED = 'user\u202Egnp.exe\u2066\u200f';
const LONG = 'x'.repeat(60_000);

let dev, browser, receiver, page, failing;
before(async () => {
  [dev, browser, receiver] = await Promise.all([Dev.start(), launch(), Receiver.start()]);
  receiver.answer = { status: 500, body: `${MARKUP}\u202E${LINK}`, headers: { 'content-type': 'text/html', 'x-note': LINK, 'set-cookie': 'a=b' } };
  failing = await dev.team.webhook(receiver.url, ['ticket.*']);
  await dev.team.json(200, 'PATCH', `/webhooks/${failing.id}`, { body: { description: `${MARKUP} ${TURNED}` } });
  page = await open(browser);
  await signIn(page, dev);
});
after(async () => {
  await browser?.close();
  await receiver?.stop();
  await dev?.stop();
});

const publish = (data) =>
  dev.team.publish({ type: 'ticket.created', data: JSON.stringify({ id: '550e8400-e29b-41d4-a716-446655440000', title: MARKUP, status: 'new', priority: 'high', ...data }) });

/** Nothing ran, nothing became an element, no link leads elsewhere than to this page and the server's. */
async function assertText() {
  const found = await page.evaluate(() => ({
    stolen: globalThis.stolen,
    elements: document.querySelectorAll('main img, main script, main iframe, [onerror], [style*="expression"]').length,
    links: [...document.links].map(({ href }) => href).filter((href) => new URL(href).origin !== location.origin),
    isWider: document.documentElement.scrollWidth > innerWidth,
  }));
  assert.deepEqual(found, { stolen: undefined, elements: 0, links: [], isWider: false });
  assertQuiet(page);
}

for (const [name, viewport] of [['wide', { width: 1440, height: 900 }], ['narrow', { width: 375, height: 740 }]]) {
  test(`SEC-3: hostile events and answers are shown as text, ${name}`, async () => {
    await page.setViewportSize(viewport);
    await page.goto(`${dev.url}/live`);
    await page.getByRole('status').getByText('Live', { exact: true }).waitFor();
    const { envelope } = await publish({ url: LINK, name: TURNED, __proto: MARKUP, note: LONG });
    const { id } = JSON.parse(envelope);
    await page.getByRole('row').filter({ hasText: '<img src=x' }).waitFor();
    await assertText();
    await page.getByRole('row').filter({ hasText: '<img src=x' }).getByRole('link').click();
    const event = page.getByRole('dialog').getByRole('group', { name: 'event', exact: true }).locator('code');
    await event.waitFor();
    const shown = await event.textContent();
    assert.deepEqual(JSON.parse(shown), JSON.parse(envelope));
    assert.doesNotMatch(shown, /[\u202e\u2066\u200f]/, 'marks that turn text are written as escapes');
    await assertText();

    await waitFor('an attempt', async () => (await dev.team.all('/deliveries', { event: id }))[0]?.last_attempt);
    await page.goto(`${dev.url}/logs?event=${id}`);
    await page.getByRole('row').filter({ hasText: id }).waitFor({ state: 'attached' });
    await assertText();
    await page.getByRole('row').getByRole('link').click();
    const answer = page.getByRole('region', { name: 'Response of attempt 1' });
    await answer.getByText(MARKUP).waitFor();
    await answer.getByText('x-note: javascript:').waitFor();
    await assertText();
    await page.goto(`${dev.url}/webhooks/${failing.id}`);
    await page.getByText(MARKUP).waitFor();
    await assertText();
  });
}

test('SEC-3: what an address holds is text too', async () => {
  const hostile = encodeURIComponent(`"><img src=x onerror=globalThis.stolen=1>${LINK}`);
  for (const path of [`/logs?types=${hostile}&webhook=${hostile}&event=${hostile}`, `/live?types=${hostile}&event=${hostile}`, `/event-types/${hostile}`, `/logs/${hostile}`]) {
    page.complaints.length = 0;
    await page.goto(dev.url + path);
    await page.getByRole('alert').first().waitFor();
    await assertText();
  }
});
