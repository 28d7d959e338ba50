// What the logs say of attempts and deliveries, in plain words.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { source } from './source.mjs';

let reasonOf, adviceOn, standingOf;
before(async () => ({ reasonOf, adviceOn, standingOf } = await source('pages/logs/reason.ts')));

const OUTCOMES = ['http_status', 'timeout', 'dns', 'connect', 'tls', 'reset', 'bad_response', 'blocked_target'];

test('W54: a reason is a sentence, and a status that people know has its words', () => {
  for (const [outcome, status_code, detail, sentence] of [
    ['http_status', 503, 'your endpoint answered 503', 'Your endpoint answered 503 Service Unavailable.'],
    ['http_status', 418, 'your endpoint answered 418', 'Your endpoint answered 418.'],
    ['success', 200, 'your endpoint answered 200', 'Your endpoint answered 200.'],
    ['timeout', null, 'no response within 10 s', 'No response within 10 s.'],
    ['tls', null, 'the certificate expired on 2025-12-10', 'The certificate expired on 2025-12-10.'],
  ]) {
    assert.equal(reasonOf({ outcome, status_code, detail }), sentence);
  }
});

test('W54: each way to fail has advice, and what did not fail has none', () => {
  for (const outcome of OUTCOMES) assert.match(adviceOn({ outcome, status_code: 500, detail: '' }), /^[A-Z].+\.$/, outcome);
  assert.equal(adviceOn({ outcome: 'success', status_code: 200, detail: '' }), undefined);
  const told = (status_code) => adviceOn({ outcome: 'http_status', status_code, detail: '' });
  assert.match(told(301), /URL/);
  assert.match(told(401), /secret/);
  assert.match(told(404), /path/);
  assert.match(told(413), /size/);
  assert.match(told(429), /rate/);
  for (let status = 100; status < 600; status++) assert.match(told(status), /^[A-Z].+\.$/, String(status));
});

test('W54: where a delivery stands is said for each status', () => {
  const last_attempt = { outcome: 'connect', detail: 'the connection was refused' };
  assert.equal(standingOf({ status: 'pending' }), 'It is about to be sent.');
  assert.equal(standingOf({ status: 'retrying', last_attempt }), 'The connection was refused.');
  assert.equal(standingOf({ status: 'failed', last_attempt }), 'The connection was refused.');
  for (const cancel_reason of ['webhook_disabled', 'endpoint_gone', 'webhook_deleted', 'endpoint_failing', 'event_erased']) {
    const told = standingOf({ status: 'cancelled', cancel_reason, last_attempt });
    assert.match(told, /^The .+\.$/, cancel_reason);
    assert.notEqual(told, 'The connection was refused.', 'the last attempt is not why it was cancelled');
  }
});
