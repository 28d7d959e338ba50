// A browser that says that the network is back.
import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Realtime } from '../../src/realtime.js';

let page: EventTarget;

beforeEach(() => {
  page = new EventTarget();
  vi.useFakeTimers();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** How many times a stream was tried that a server refuses for ever. */
function refused(headers: Record<string, string> = {}) {
  const fetching = vi.fn(async () => new Response(null, { status: 503, headers }));
  const realtime = new Realtime({ apiKey: 'cst_1', teamId: '550e8400-e29b-41d4-a716-446655440000', fetch: fetching });
  realtime.onError(() => {});
  realtime.onAny(() => {});
  return { realtime, tries: () => fetching.mock.calls.length };
}

test('R5: it cuts the backoff short, after a moment that differs from reader to reader', async () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  const { realtime, tries } = refused();
  await vi.advanceTimersByTimeAsync(500 + 1000 + 2000 + 4000 + 8000 + 10);
  expect(tries()).toBe(6); // The next wait has sixteen seconds.
  random.mockReturnValue(0.5);
  page.dispatchEvent(new Event('online'));
  await vi.advanceTimersByTimeAsync(240);
  expect(tries()).toBe(6);
  await vi.advanceTimersByTimeAsync(20);
  expect(tries()).toBe(7);
  realtime.destroy();
  await vi.advanceTimersByTimeAsync(0);
  expect([getEventListeners(page, 'online'), vi.getTimerCount()]).toEqual([[], 0]);
});

test('T13: it does not cut short what the server asked for', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const { realtime, tries } = refused({ 'retry-after': '60' });
  await vi.advanceTimersByTimeAsync(1000);
  page.dispatchEvent(new Event('online'));
  await vi.advanceTimersByTimeAsync(58_990);
  expect(tries()).toBe(1);
  await vi.advanceTimersByTimeAsync(20);
  expect(tries()).toBe(2);
  realtime.destroy();
});
