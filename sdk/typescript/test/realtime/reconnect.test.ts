import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ApiError, ConnectionError, CStarError, KeyError, ProtocolError, StreamEndError, TimeoutError } from '../../src/errors.js';
import { Reconnect } from '../../src/internal/stream/reconnect.js';

const CLOSED = new StreamEndError('closed', 'closed');
const refused = (status: number, retryAfterMs?: number) => new ApiError({ status, retryAfterMs });
const unauthorized = (code?: string) => new StreamEndError('unauthorized', 'x', code);

/** Fails as often as there are `stood`, having stood for so many seconds each time (`undefined`: not opened): the longest waits. */
function waits(reconnect: Reconnect, stood: Array<number | undefined>): number[] {
  return stood.map((seconds) => {
    if (seconds !== undefined) reconnect.ready(0);
    const verdict = reconnect.failed(CLOSED, false, (seconds ?? 0) * 1000, 1);
    return verdict === 'end' ? expect.unreachable() : verdict.again;
  });
}

describe('the wait', () => {
  test('R4, R5: doubles while the stream cannot be opened', () => {
    expect(waits(new Reconnect(), Array(8).fill(undefined))).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test('R5: grows where a server accepts and drops', () => {
    expect(waits(new Reconnect(), [0, 4, 1])).toEqual([500, 1000, 2000]);
  });

  test('R5: stays after five seconds of life, and falls back after a minute', () => {
    expect(waits(new Reconnect(), [undefined, undefined, 5, 59, undefined])).toEqual([500, 1000, 2000, 2000, 2000]);
    expect(waits(new Reconnect(), [undefined, undefined, 60, undefined, undefined])).toEqual([500, 1000, 500, 500, 1000]);
  });

  test('R4: gives a server its time that asks to reconnect, and does not grow', () => {
    const reconnect = new Reconnect();
    for (let round = 0; round < 3; round += 1) {
      reconnect.ready(0);
      reconnect.asked(1500);
      expect(reconnect.failed(CLOSED, false, 0, 1)).toEqual({ again: 2000, asked: 1500, newKey: false });
    }
    expect(waits(reconnect, [undefined])).toEqual([500]);
  });

  test('T13: honours Retry-After, and is spread', () => {
    expect(new Reconnect().failed(refused(429, 7000), false, 0, 0)).toEqual({ again: 7000, asked: 7000, newKey: false });
    expect(new Reconnect().failed(refused(429, 7000), false, 0, 1)).toEqual({ again: 7500, asked: 7000, newKey: false });
  });

  test('R5, T13: lies between what the server asked for and that plus half a minute, whatever happens', () => {
    const failure = fc.record({ seconds: fc.nat(100), kind: fc.nat(3), random: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(failure, { maxLength: 40 }), (history) => {
        const reconnect = new Reconnect();
        let now = 0;
        for (const { seconds, kind, random } of history) {
          const error = kind === 0 ? refused(503, seconds * 1000) : kind === 1 ? new TimeoutError('x') : CLOSED;
          if (kind > 1) {
            reconnect.ready(now);
            now += seconds * 1000;
          }
          const verdict = reconnect.failed(error, false, now, random);
          const floor = kind === 0 ? seconds * 1000 : 0;
          if (verdict === 'end') return expect.unreachable();
          expect(verdict.again).toBeGreaterThanOrEqual(floor);
          expect(verdict.again).toBeLessThanOrEqual(floor + 30_000);
        }
      }),
    );
  });
});

describe('T13: statuses', () => {
  test.each([408, 409, 425, 429, 500, 502, 503, 504, 507, 599])('%d is tried again', (status) => {
    expect(new Reconnect().failed(refused(status), true, 0, 0)).toEqual({ again: 0, newKey: false });
  });

  test.each([0, 201, 204, 206, 301, 304, 307, 400, 403, 404, 406, 410, 422, 431, 451])('%d ends the stream', (status) => {
    expect(new Reconnect().failed(refused(status), true, 0, 0)).toBe('end');
  });

  for (const error of [new ConnectionError('x'), new TimeoutError('x'), new ProtocolError('x'), new KeyError('x'), CLOSED]) {
    test(`${error.name} is tried again`, () => {
      expect(new Reconnect().failed(error, true, 0, 0)).toEqual({ again: 0, newKey: false });
    });
  }

  for (const error of [new CStarError('no teamId'), new TypeError('x is not a function'), 'a text', undefined]) {
    test(`${String(error)}, a fault of the client's own, ends the stream`, () => {
      expect(new Reconnect().failed(error, true, 0, 0)).toBe('end');
    });
  }
});

describe('T13: keys', () => {
  const NEW_KEY = { again: 0, newKey: true };

  test('one that is refused is asked for once more, where it can be', () => {
    const reconnect = new Reconnect();
    expect(reconnect.failed(refused(401), true, 0, 0.5)).toEqual(NEW_KEY);
    expect(reconnect.failed(CLOSED, true, 0, 0.5)).toMatchObject({ newKey: false });
    expect(reconnect.failed(refused(401), true, 0, 0.5)).toBe('end');
    reconnect.ready(0);
    expect(reconnect.failed(unauthorized('token_expired'), true, 5000, 0.5)).toEqual(NEW_KEY);
    reconnect.ready(5000);
    expect(reconnect.failed(unauthorized('token_expired'), true, 5000, 0.5)).toBe('end');
  });

  test('one that is fixed is not', () => {
    expect(new Reconnect().failed(refused(401), false, 0, 0.5)).toBe('end');
    expect(new Reconnect().failed(unauthorized('key_revoked'), false, 0, 0.5)).toBe('end');
  });

  test('one may expire again while the server cannot be reached', () => {
    for (const [seconds, verdict] of [
      [59, 'end'],
      [60, NEW_KEY],
    ] as const) {
      const reconnect = new Reconnect();
      expect(reconnect.failed(refused(401), true, 0, 0.5)).toEqual(NEW_KEY);
      expect(reconnect.failed(CLOSED, true, seconds * 1000, 0.5)).toMatchObject({ newKey: false });
      expect(reconnect.failed(refused(401), true, seconds * 1000, 0.5)).toEqual(verdict);
    }
  });

  test('a team that was deleted is found with no other', () => {
    expect(new Reconnect().failed(unauthorized('not_found'), true, 0, 0.5)).toBe('end');
    expect(new Reconnect().failed(unauthorized(), true, 0, 0.5)).toEqual(NEW_KEY);
  });
});
