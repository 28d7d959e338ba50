import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Connection } from '../../src/internal/connection.js';
import { Opener } from '../../src/internal/stream/open.js';
import { EventStream, type Told } from '../../src/internal/stream/stream.js';
import { MemoryServer } from '../support/memory.js';
import { envelope, scenarios, type Scenario, type Shown } from '../support/scenario.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** One key is fixed, several come from a function. */
function keyOf({ client: { keys = ['csk_1'] } }: Scenario): string | (() => Promise<string>) {
  let given = 0;
  return keys.length === 1 ? keys[0]! : async () => keys[Math.min(given++, keys.length - 1)]!;
}

function streamOf(scenario: Scenario, server: MemoryServer): EventStream {
  const { types, after, until_head: untilHead } = scenario.client;
  const connection = new Connection({ apiKey: keyOf(scenario), teamId: TEAM, baseUrl: 'http://cstar', fetch: server.fetch });
  return new EventStream(new Opener(connection, { types: types?.split(','), untilHead }), { lastEventId: after, untilHead });
}

/** What was told, as scenarios write it; the wait is as it is, not a range. */
function shown(told: Exclude<Told, { kind: 'passed' }>): Shown {
  switch (told.kind) {
    case 'open':
      return { open: told.resumed ? 'resumed' : 'anew' };
    case 'event':
      expect(JSON.stringify(told.event)).toBe(envelope(told.position));
      return { event: told.position };
    case 'gap':
      return { gap: told.gap };
    case 'disconnected': {
      const { status, code, attempt, willRetry, retryInMs } = told.error;
      expect(willRetry).toBe(retryInMs !== undefined);
      const wait: [number, number] | null = retryInMs === undefined ? null : [retryInMs, retryInMs];
      return { disconnected: { ...(status && { status }), ...(code && { code }), attempt, wait_ms: wait } };
    }
    default:
      return told.kind;
  }
}

/** What is expected where each wait is drawn from this end of its range. */
function expected({ shows }: Scenario, end: 0 | 1): Shown[] {
  return shows.map((one) => {
    if (typeof one === 'string' || !('disconnected' in one) || one.disconnected.wait_ms === null) return one;
    const wait = one.disconnected.wait_ms[end];
    return { disconnected: { ...one.disconnected, wait_ms: [wait, wait] } };
  });
}

/** All that is told, each wait being as long as it was said to be. */
async function all(stream: EventStream): Promise<Shown[]> {
  const told: Shown[] = [];
  let done = false;
  const reading = (async () => {
    let due: number | undefined;
    for await (const one of stream.told(new AbortController().signal)) {
      if (one.kind === 'passed') continue;
      if (one.kind === 'connecting' && due !== undefined) expect(Date.now()).toBe(due);
      due = one.kind === 'disconnected' ? Date.now() + (one.error.retryInMs ?? 0) : undefined;
      told.push(shown(one));
    }
  })().finally(() => (done = true));
  while (!done) await vi.advanceTimersToNextTimerAsync();
  await reading;
  return told;
}

const ways = [
  { way: 'whole', chunkBytes: Infinity },
  { way: 'byte by byte', chunkBytes: 1 },
];
const cases = scenarios().flatMap((scenario) =>
  ways.flatMap((way) => ([0, 1] as const).map((end) => ({ ...way, end, scenario }))),
);

describe('what a client of every language shows', () => {
  test('there are scenarios', () => expect(cases.length).toBeGreaterThan(100));

  for (const { scenario, way, chunkBytes, end } of cases) {
    test(`${scenario.promises.join(', ')}: ${scenario.name}, ${way}, waits at end ${end}`, async () => {
      vi.spyOn(Math, 'random').mockReturnValue(end);
      const server = new MemoryServer(scenario.connections, chunkBytes);
      expect(await all(streamOf(scenario, server))).toEqual(expected(scenario, end));
      expect(server.asked).toHaveLength(scenario.connections.length);
      for (const [index, { asks = {} }] of scenario.connections.entries()) {
        const { url, headers } = server.asked[index]!;
        expect(url.pathname).toBe(`/v1/teams/${TEAM}/realtime`);
        expect(headers['accept']).toBe('text/event-stream');
        if (asks.last_event_id !== undefined) expect(headers['last-event-id'] ?? null).toBe(asks.last_event_id);
        if (asks.query !== undefined) expect(decodeURIComponent(url.search.slice(1))).toBe(asks.query);
        if (asks.authorization !== undefined) expect(headers['authorization']).toBe(asks.authorization);
      }
    });
  }
});
