// The filter of the logs: in the address, in what the API is asked, and in what the command line is told.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { source } from './source.mjs';

let readFilter, writeFilter, asQuery, asResend, asFlags, canBeResent, watchMs;
before(async () => {
  ({ readFilter, writeFilter, asQuery, asResend, asFlags, canBeResent } = await source('pages/logs/filter.ts'));
  ({ watchMs } = await source('pages/logs/watch.ts'));
});

const NOW = new Date('2026-03-01T12:00:00Z');
const read = (text) => readFilter(new URLSearchParams(text));

test('a filter comes back from the address as it was written', () => {
  for (const filter of [
    {},
    { status: 'failed' },
    { webhook: 'wh_1', status: 'retrying', types: '*.created', event: 'evt_1', last: '24h' },
    { since: '2026-02-01T00:00:00.000Z', until: '2026-02-02T00:00:00.000Z' },
  ]) {
    assert.deepEqual(read(new URLSearchParams(writeFilter(filter)).toString()), filter);
  }
});

test('what somebody made up in an address asks for nothing', () => {
  assert.deepEqual(read('status=broken&last=1y&since=yesterday&until=&webhook=&__proto__=1&last=toString'), {});
  assert.deepEqual(read('last=toString'), {});
});

test('the last hour counts back from now', () => {
  assert.deepEqual(asQuery({ last: '1h', types: 'ticket.*' }, NOW), { since: '2026-03-01T11:00:00.000Z', types: ['ticket.*'] });
  assert.deepEqual(asQuery({}, NOW), {});
});

test('a resend takes what is shown, and those that failed unless a status is chosen', () => {
  assert.deepEqual(asResend({}, NOW), { status: 'failed' });
  assert.deepEqual(asResend({ status: 'cancelled', webhook: 'wh_1' }, NOW), { status: 'cancelled', webhook: 'wh_1' });
  assert.deepEqual(
    ['pending', 'retrying', 'delivered', 'failed', 'cancelled', undefined].filter((status) => canBeResent({ status })),
    ['delivered', 'failed', 'cancelled', undefined],
  );
});

test('the same in words of the command, each one word of a shell', () => {
  assert.equal(asFlags({ status: 'failed', webhook: 'wh_1', types: ['ticket.*', "a'b"] }), " --webhook wh_1 --status failed --types 'ticket.*,a'\\''b'");
  assert.equal(asFlags({}), '');
});

test('a delivery is looked at again when its attempt is due, and each few seconds while that is far', () => {
  const at = (ms) => watchMs(new Date(NOW.getTime() + ms).toISOString(), NOW.getTime());
  assert.deepEqual([at(-60_000), at(300), at(4000), at(1_800_000)], [1000, 1000, 4000, 15_000]);
  assert.equal(watchMs(null, NOW.getTime()), false);
});
