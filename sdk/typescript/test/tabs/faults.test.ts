// What browsers, other pages and keys do to tabs that share.
import { setImmediate } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Turn } from '../../src/internal/tabs/turn.js';
import { Locks } from '../support/locks.js';
import { event, ready } from '../support/scenario.js';
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

/** Two tabs, each with a stream of its own. */
async function standAlone(): Promise<void> {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const both = [await new Tab(server).connected(), await new Tab(server).connected()];
  log.publish(2);
  await until(() => both.every(({ seen }) => seen.length === 2));
  expect(streamsOf(server)).toHaveLength(2);
  for (const { seen, errors } of both) expect([seen, errors]).toEqual([from(41, 42), []]);
}

test('where the browser denies Web Locks, each tab has a stream of its own', async () => {
  vi.spyOn(Locks.prototype, 'request').mockRejectedValue(new DOMException('access to the Locks API is denied', 'SecurityError'));
  await standAlone();
});

test('where the browser denies BroadcastChannel, each tab has a stream of its own', async () => {
  const denied = class {
    constructor() {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    }
  };
  vi.stubGlobal('BroadcastChannel', denied);
  await standAlone();
});

test('what another page posts harms no tab', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  const requested = vi.spyOn(Locks.prototype, 'request');
  const both = [await new Tab(server).connected(), await new Tab(server).connected()];
  const channel = new BroadcastChannel(requested.mock.calls[0]![0]);
  const tale = { from: '1.40', to: '1.41', isGap: false, connected: true, nextInMs: 1000 };
  const tolds = [undefined, null, 7, {}, { kind: 'event' }, { kind: 'event', event: { type: 7 } }, { kind: 'gap', gap: {} }, { kind: 'disconnected' }];
  const messages = [null, undefined, 'hello', 7, [], {}, { hello: 1 }, { ...tale, to: 7, told: { kind: 'passed' } }, ...tolds.map((told) => ({ ...tale, told }))];
  for (const message of messages) channel.postMessage(message);
  channel.close();
  log.publish(2);
  await until(() => both.every(({ seen }) => seen.length === 2));
  for (const { seen, errors, changes } of both) expect([seen, errors, changes]).toEqual([from(41, 42), [], [true]]);
  expect(streamsOf(server)).toHaveLength(1);
});

test('T13, T17: a tab that can have no key lets the next one read, and follows once it can', async () => {
  const log = new Log();
  await using server = await StreamServer.start(log.served);
  let isSignedIn = false;
  const apiKey = async (): Promise<string> => {
    if (!isSignedIn) throw new Error('not signed in');
    return 'cst_1';
  };
  const one = new Tab(server, { apiKey });
  await until(() => one.errors.length > 1);
  const two = await new Tab(server, { apiKey: () => 'cst_1' }).connected();
  log.publish();
  await until(() => two.seen.length === 1);
  expect(one.changes).toEqual([]);
  isSignedIn = true;
  await one.connected();
  log.publish();
  await until(() => two.seen.length === 2 && one.seen.length === 1);
  expect([one.seen, two.seen]).toEqual([['1.42'], from(41, 42)]);
  expect(streamsOf(server)).toHaveLength(1);
});

test('T16: a tab that begins now is shown nothing old while the one that reads catches up', async () => {
  const log = new Log();
  await using server = await StreamServer.start((connection) => {
    if (connection.headers['last-event-id'] === undefined) log.served(connection);
    else connection.write(ready('1.30', { resumed: true }) + event('1.31'));
  });
  const one = await new Tab(server, { lastEventId: '1.30' }).connected();
  await until(() => one.seen.length === 1);
  const two = await new Tab(server).connected();
  streamsOf(server)[0]!.send(...from(32, 43));
  await until(() => one.seen.length === 13 && two.seen.length > 0);
  await until(() => two.realtime.lastEventId === '1.43');
  expect([one.seen, two.seen]).toEqual([from(31, 43), from(41, 43)]);
});

test('a turn that was to be taken away, and is given up before it comes, is nobody’s', async () => {
  const locks = new Locks() as unknown as LockManager;
  const given = new Turn(locks, 'cstar', { takeAway: true });
  given.end();
  await setImmediate();
  expect(given.isGranted).toBe(false);
  const next = new Turn(locks, 'cstar', {});
  await until(() => next.isGranted);
  next.end();
});
