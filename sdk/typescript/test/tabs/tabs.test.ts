import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { acrossTabs } from '../../src/tabs.js';
import { Locks } from '../support/locks.js';
import { block } from '../support/scenario.js';
import { StreamServer } from '../support/stream-server.js';
import { from, Log, streamsOf, Tab, tabs, until } from '../support/tabs.js';

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.stubGlobal('navigator', { locks: new Locks() });
});
afterEach(() => {
  for (const tab of tabs.splice(0)) tab.realtime.destroy();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('one stream serves all tabs, and each is told everything once', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const [one, two, three] = [new Tab(server), new Tab(server), new Tab(server)];
  await Promise.all([one.connected(), two.connected(), three.connected()]);
  log.publish(20);
  await until(() => [one, two, three].every(({ seen }) => seen.length === 20));
  for (const { seen, changes } of [one, two, three]) expect([seen, changes]).toEqual([from(41, 60), [true]]);
  expect(streamsOf(server)).toHaveLength(1);
});

test('R4, R6, T16: where the tab that reads is closed, another one goes on without repeat and without hole', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const [one, two, three] = [await new Tab(server).connected(), await new Tab(server).connected(), await new Tab(server).connected()];
  log.publish(5);
  await until(() => two.seen.length === 5 && three.seen.length === 5);
  one.realtime.destroy();
  log.publish(5);
  await until(() => two.seen.length === 10 && three.seen.length === 10);
  log.publish(5);
  await until(() => two.seen.length === 15 && three.seen.length === 15);
  expect([two.seen, three.seen]).toEqual([from(41, 55), from(41, 55)]);
  expect(server.connections.filter(({ closed }) => !closed)).toHaveLength(1);
  expect(streamsOf(server)[1]!.headers['last-event-id']).toBe('1.45');
  expect([two.changes, three.changes]).toEqual([[true, false, true], [true, false, true]]);
});

test('T16: a tab that asks for older events than the one that reads gets them from the server', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const one = await new Tab(server).connected();
  const two = await new Tab(server, { lastEventId: '1.30' }).connected();
  await until(() => two.seen.length === 10);
  log.publish();
  await until(() => two.seen.length === 11 && one.seen.length === 1);
  expect(two.seen).toEqual(from(31, 41));
});

test('T16: a tab that missed messages notices, and reads what it missed', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const one = await new Tab(server).connected();
  const two = await new Tab(server).connected();
  log.publish();
  await until(() => two.seen.length === 1);
  const lost = vi.spyOn(BroadcastChannel.prototype, 'postMessage').mockReturnValue();
  log.publish(3);
  await until(() => one.seen.length === 4);
  lost.mockRestore();
  log.publish();
  await until(() => two.seen.length === 5);
  expect([one.seen, two.seen]).toEqual([from(41, 45), from(41, 45)]);
});

test('R18, T13: that the stream does not stand is told in every tab, and so are gaps', async () => {
  const log = new Log();
  await using server = await StreamServer.start((connection) => log.served(connection));
  const [one, two] = [await new Tab(server).connected(), await new Tab(server).connected()];
  log.publish();
  await until(() => two.seen.length === 1);
  const [first] = log.live;
  first!.write(block('cstar.gap', '1.60', { from: '1.41', to: '1.60', reason: 'expired' }));
  log.head = 60;
  await until(() => two.gaps.length === 1);
  first!.reset();
  await until(() => one.changes.length === 3 && two.changes.length === 3);
  log.publish();
  await until(() => two.seen.length === 2 && one.seen.length === 2);
  for (const tab of [one, two]) {
    expect(tab.seen).toEqual(['1.41', '1.61']);
    expect(tab.changes).toEqual([true, false, true]);
    expect(tab.gaps).toEqual([{ from: '1.41', to: '1.60', reason: 'expired' }]);
    expect(tab.errors).toEqual([expect.stringMatching(/no connection|closed/)]);
  }
});

test('T16: a new life of the log is told as a gap in every tab', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const [one, two] = [await new Tab(server).connected(), await new Tab(server).connected()];
  const [stream] = log.live;
  stream!.send('1.41', '2.51', '2.52');
  await until(() => one.seen.length === 3 && two.seen.length === 3);
  for (const { seen, gaps } of [one, two]) {
    expect(seen).toEqual(['1.41', '2.51', '2.52']);
    expect(gaps).toEqual([{ from: '1.41', to: '2.50', reason: 'restored' }]);
  }
  expect(streamsOf(server)).toHaveLength(1);
});

test('a tab that sleeps while it should read loses its turn, and follows when it wakes', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const one = await new Tab(server).connected();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const two = new Tab(server);
  await vi.waitUntil(() => two.realtime.connected, { timeout: 20_000, interval: 2 });
  const asleep = vi.spyOn(BroadcastChannel.prototype, 'postMessage').mockReturnValue();
  vi.advanceTimersByTime(36_000);
  asleep.mockRestore();
  expect(two.realtime.connected).toBe(true);
  vi.advanceTimersByTime(2_000);
  vi.useRealTimers();
  await until(() => streamsOf(server).length === 2 && two.realtime.connected);
  await until(() => server.connections[0]!.closed);
  log.publish(2);
  await until(() => one.seen.length === 2 && two.seen.length === 2);
  expect([one.seen, two.seen]).toEqual([from(41, 42), from(41, 42)]);
  expect(two.changes).toEqual([true, false, true]);
});

for (const [what, other] of Object.entries({
  reader: { reader: 'grace' },
  key: { apiKey: 'cst_2' },
  'key from a function': { apiKey: () => 'cst_1' },
  team: { teamId: '550e8400-e29b-41d4-a716-446655440001' },
  'set of types': { types: ['ticket.*'] },
  'reader whose name looks like what follows it': { reader: 'ada","http://127.0.0.1' },
})) {
  test(`SEC-2: a tab with another ${what} has a stream of its own, and is told nothing of the first one's`, async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const one = await new Tab(server).connected();
    const two = await new Tab(server, other).connected();
    expect(server.connections).toHaveLength(2);
    server.connections[0]!.send('1.41');
    await until(() => one.seen.length === 1);
    server.connections[1]!.send('1.42');
    await until(() => two.seen.length === 1);
    expect([one.seen, two.seen]).toEqual([['1.41'], ['1.42']]);
  });
}

test('the name of what tabs share does not hold the key', async () => {
  const requested = vi.spyOn(Locks.prototype, 'request');
  await using server = await StreamServer.start((connection) => connection.stand('1.40'));
  await new Tab(server, { apiKey: 'cst_secret' }).connected();
  expect(requested.mock.calls[0]![0]).not.toContain('cst_secret');
});

for (const options of [undefined, {}, { reader: '' }, { reader: 7 }]) {
  test(`to share without saying who reads, as with ${JSON.stringify(options)}, is refused`, () => {
    expect(() => acrossTabs(options as never)).toThrow(/^no reader: /);
  });
}

test('without Web Locks each tab has a stream of its own', async () => {
  vi.stubGlobal('navigator', {});
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const both = [new Tab(server), new Tab(server)];
  await Promise.all(both.map((tab) => tab.connected()));
  expect(server.connections).toHaveLength(2);
});

test('T14: a tab that is destroyed leaves nothing behind', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const [one, two] = [await new Tab(server).connected(), await new Tab(server).connected()];
  two.realtime.destroy();
  one.realtime.destroy();
  await until(() => server.connections.every(({ closed }) => closed));
  log.publish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([one.seen, two.seen, streamsOf(server).length]).toEqual([[], [], 1]);
  expect([one.changes, two.changes]).toEqual([
    [true, false],
    [true, false],
  ]);
});
