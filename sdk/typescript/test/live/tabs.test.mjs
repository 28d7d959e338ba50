// Several tabs of one page in Chromium: one stream for all of them, whichever is closed, and one for each where the browser
// lacks Web Locks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openBrowser, servePages } from './chromium.mjs';
import { clientOf } from './clients.mjs';
import { EVENT_TYPES, publish, Server, streamsOf, waitFor } from './scene.mjs';

const TABS = 4;

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start({ flags: ['--cors-origins', 'localhost'] }), openBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A team, and a page of it whose tabs each keep what they hear in `heard`: ids of events, gaps, and whether they are connected. */
async function site(t, { withoutLocks = false } = {}) {
  const team = await server.team('tabs');
  const maker = clientOf(team);
  const pages = await servePages({ '/token': async () => (await maker.realtime.createToken({})).token });
  const context = await browser.newContext();
  if (withoutLocks) await context.addInitScript(() => delete Navigator.prototype.locks);
  t.after(async () => {
    await context.close();
    await pages.close();
    maker.destroy();
  });
  return { team, openTab: () => openTab(context, pages, team) };
}

async function openTab(context, pages, team) {
  const page = await context.newPage();
  const heard = { events: [], gaps: 0, connected: undefined };
  await page.exposeFunction('event', (id) => void heard.events.push(id));
  await page.exposeFunction('gap', () => void (heard.gaps += 1));
  await page.exposeFunction('connected', (connected) => void (heard.connected = connected));
  await page.goto(pages.url);
  await page.evaluate(async ([baseUrl, teamId]) => {
    const { acrossTabs, CStarClient } = await import('/client.js');
    const apiKey = async () => (await fetch('/token')).text();
    const { realtime } = new CStarClient({ baseUrl, teamId, apiKey, share: acrossTabs({ reader: 'one' }) });
    realtime.onAny(({ id }) => globalThis.event(id));
    realtime.onGap(() => globalThis.gap());
    realtime.onConnectionChange((connected) => globalThis.connected(connected));
  }, [team.api.url, team.id]);
  const tab = { heard, close: () => page.close() };
  await waitFor('a connected tab', () => heard.connected);
  return tab;
}

const ids = (published) => published.map(({ id }) => id);

/** Waits until each tab has heard these events since it was opened, and holds that it heard nothing else. */
async function heardBy(tabs, expected) {
  for (const [number, { heard }] of tabs.entries()) {
    const told = () => `tab ${number} at its last event; ${heard.events.length} of ${expected.length}`;
    await waitFor(told, () => heard.events.length >= expected.length);
    assert.deepEqual(heard.events, expected, `tab ${number}`);
    assert.equal(heard.gaps, 0);
  }
}

test('R2, R4, R27, T16, RT-1: tabs share one stream, and none misses or repeats an event when the one that reads is closed', async (t) => {
  const { team, openTab } = await site(t);
  const tabs = [];
  for (let count = 0; count < TABS; count += 1) tabs.push(await openTab());
  await streamsOf(team, 1);
  const sent = ids(await publish(team, ...EVENT_TYPES));
  await heardBy(tabs, sent);

  // The oldest tab is the one that reads: its turn came first.
  while (tabs.length > 1) {
    const publishing = publish(team, 'ticket.created', 'ticket.updated', 'ticket.closed', 'boss.spawned', 'boss.defeated');
    await tabs.shift().close();
    sent.push(...ids(await publishing));
    await heardBy(tabs, sent);
    await streamsOf(team, 1);
  }
});

test('R4, R6, T12, RT-1: tabs that share a stream see a kill of the server, and the events after it once', async (t) => {
  const { team, openTab } = await site(t);
  const tabs = [await openTab(), await openTab(), await openTab()];
  const every = (connected) => waitFor(`every tab told ${connected}`, () => tabs.every(({ heard }) => heard.connected === connected));
  await every(true);
  const sent = ids(await publish(team, 'ticket.created'));
  await server.crash();
  await every(false);
  await server.begin();
  sent.push(...ids(await publish(team, 'survey.submitted', 'customer.created')));
  await every(true);
  await heardBy(tabs, sent);
  await streamsOf(team, 1);
});

test('R2, R27: without Web Locks each tab has a stream of its own', async (t) => {
  const { team, openTab } = await site(t, { withoutLocks: true });
  const tabs = [await openTab(), await openTab()];
  await streamsOf(team, 2);
  const sent = ids(await publish(team, 'ticket.created', 'boss.spawned'));
  await heardBy(tabs, sent);
  await tabs.shift().close();
  await streamsOf(team, 1);
  sent.push(...ids(await publish(team, 'ticket.closed')));
  await heardBy(tabs, sent);
});
