import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ConnectionError, ProtocolError, TimeoutError } from '../../src/errors.js';
import { backoff } from '../../src/internal/backoff.js';
import { retryAfterMs } from '../../src/internal/retry-after.js';
import { retryInMs } from '../../src/internal/retry.js';
import { apiError } from '../../src/status-errors.js';

const refused = (status: number, code?: string, retryAfter?: number) =>
  apiError({
    status,
    problem: code === undefined ? undefined : { type: '', title: '', status, detail: '', code, request_id: '' },
    retryAfterMs: retryAfter,
  });

const failed = (cause: Error) => new ConnectionError('x', { cause: new TypeError('fetch failed', { cause }) });
const broken = (code: string, syscall?: string) => failed(new AggregateError([Object.assign(new Error('x'), { code, syscall })]));

test.each([
  { error: broken('ECONNREFUSED'), freely: true, otherwise: true },
  { error: broken('ENOTFOUND'), freely: true, otherwise: true },
  { error: broken('EHOSTUNREACH', 'connect'), freely: true, otherwise: true },
  { error: broken('EAI_AGAIN', 'getaddrinfo'), freely: true, otherwise: true },
  { error: broken('EHOSTUNREACH', 'read'), freely: true, otherwise: false },
  { error: broken('ENETUNREACH', 'write'), freely: true, otherwise: false },
  { error: failed(new AggregateError([])), freely: true, otherwise: false },
  { error: broken('ECONNRESET'), freely: true, otherwise: false },
  { error: new ConnectionError('a browser does not say'), freely: true, otherwise: false },
  { error: new TimeoutError('late'), freely: true, otherwise: false },
  { error: refused(408), freely: true, otherwise: false },
  { error: refused(429, 'rate_limited'), freely: true, otherwise: true },
  { error: refused(500), freely: true, otherwise: false },
  { error: refused(503), freely: true, otherwise: false },
  { error: refused(503, 'queue_full'), freely: true, otherwise: true },
  { error: refused(503, 'outcome_unknown'), freely: true, otherwise: false },
  { error: refused(507, 'storage_full'), freely: true, otherwise: false },
  { error: refused(409, 'in_progress'), freely: true, otherwise: false },
  ...[0, 301, 400, 401, 403, 404, 409, 412, 413, 422].map((status) => ({ error: refused(status), freely: false, otherwise: false })),
  { error: new ProtocolError('x'), freely: false, otherwise: false },
  { error: new Error('x'), freely: false, otherwise: false },
])('what changes something is repeated only if it was not carried out: $error', ({ error, freely, otherwise }) => {
  expect(retryInMs('freely', 1, error, 0.5) !== undefined).toBe(freely);
  expect(retryInMs('if-not-carried-out', 1, error, 0.5) !== undefined).toBe(otherwise);
});

test('a call gives up after three repeats', () => {
  const waits = [1, 2, 3, 4].map((failed) => retryInMs('freely', failed, refused(500), 1));
  expect(waits).toEqual([500, 1000, 2000, undefined]);
});

test("Retry-After is honoured up to the caller's patience", () => {
  expect(retryInMs('freely', 1, refused(429, undefined, 7000), 0)).toBe(7000);
  expect(retryInMs('freely', 1, refused(429, undefined, 30_000), 0)).toBe(30_000);
  expect(retryInMs('freely', 1, refused(429, undefined, 31_000), 0)).toBeUndefined();
});

test('R5: the range of a wait doubles up to half a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 5000].map((n) => backoff(n, 1))).toEqual([
    500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect(backoff(3, 0)).toBe(0);
  expect(backoff(3, 0.5)).toBe(2000);
});

const NOW = Date.parse('2025-12-10T14:30:00.500Z');

test.each<[string | null, number | undefined]>([
  ['0', 0],
  [' 7 ', 7000],
  ['Wed, 10 Dec 2025 14:30:02 GMT', 1500],
  ['Wed, 10 Dec 2025 14:29:02 GMT', 0],
  ['31536000', 3_600_000],
  ['99999999999999999999999', 3_600_000],
  ['Thu, 10 Dec 2026 14:30:00 GMT', 3_600_000],
  ...['', '-1', '1.5', '+1', 'soon', '1 s', '0x10', '2025-12-10'].map((value): [string, undefined] => [value, undefined]),
  [null, undefined],
])('Retry-After of %j is %j ms', (value, expected) => {
  expect(retryAfterMs(value, NOW)).toBe(expected);
});

test('no value of Retry-After makes a wait that is none or lasts for more than an hour', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const wait = retryAfterMs(value, NOW) ?? 0;
      return wait >= 0 && wait <= 3_600_000;
    }),
  );
});
