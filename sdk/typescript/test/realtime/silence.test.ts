import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { orSilent } from '../../src/internal/stream/silence.js';

const HEARTBEAT_MS = 15_000;
const LIMIT_MS = 37_500;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Waits for bytes that `come` brings: how that stands. */
function listening() {
  let come!: (bytes: string) => void;
  const state = { is: 'waiting', come: (): void => come('bytes') };
  const bytes = new Promise<string>((resolve) => (come = resolve));
  orSilent(bytes, HEARTBEAT_MS).then(
    () => (state.is = 'heard'),
    (error: Error) => (state.is = error.message),
  );
  return state;
}

const DEAD = 'nothing came for 37.5 s, not even a heartbeat';

test('R4: two and a half heartbeats without a byte are the end of a connection', async () => {
  const state = listening();
  await vi.advanceTimersByTimeAsync(LIMIT_MS - 1);
  expect(state.is).toBe('waiting');
  await vi.advanceTimersByTimeAsync(1);
  expect(state.is).toBe(DEAD);
  expect(vi.getTimerCount()).toBe(0);
});

test('what comes in time is heard, and no timer is left', async () => {
  const state = listening();
  await vi.advanceTimersByTimeAsync(LIMIT_MS - 1);
  state.come();
  await vi.advanceTimersByTimeAsync(0);
  expect(state.is).toBe('heard');
  expect(vi.getTimerCount()).toBe(0);
});

test('R4: after a machine’s sleep, in which timers stand still, a dead connection is noticed within seconds', async () => {
  const state = listening();
  await vi.advanceTimersByTimeAsync(2000);
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(3000);
  expect(state.is).toBe('waiting');
  await vi.advanceTimersByTimeAsync(1000);
  expect(state.is).toBe(DEAD);
});

for (const alignedTo of [1000, 60_000]) {
  test(`R4: a dead connection is noticed where timers are held back until the next multiple of ${alignedTo} ms`, async () => {
    const timeout = globalThis.setTimeout;
    const aligned = (call: () => void, ms: number): unknown => {
      const due = Date.now() + ms;
      return timeout(call, Math.ceil(due / alignedTo) * alignedTo + 5 - Date.now()); // And somewhat late.
    };
    vi.stubGlobal('setTimeout', aligned);
    vi.setSystemTime(100); // No limit falls on a multiple.
    const state = listening();
    await vi.advanceTimersByTimeAsync(LIMIT_MS + 3 * alignedTo);
    vi.unstubAllGlobals();
    expect(state.is).toBe(DEAD);
  });
}

test('what came while the page was busy or asleep is looked at first', async () => {
  const state = listening();
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(5500);
  state.come();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(state.is).toBe('heard');
});

test('a clock that is set back delays it, and no more', async () => {
  const state = listening();
  await vi.advanceTimersByTimeAsync(30_000);
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(LIMIT_MS + 5000);
  expect(state.is).toBe(DEAD);
});
