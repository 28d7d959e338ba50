// The command that does what the form does.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { asFlags } = await source('pages/webhooks/command.ts');

test('W3: every field of the form is a flag, each value a single word of a shell', () => {
  const change = {
    url: "https://example.com/it's;rm",
    events: ['ticket.*', '*.submitted'],
    description: '-$(whoami)',
    ordered: true,
    disable_on_gone: false,
    rate_limit: 5,
    retry_schedule: '10s,1m',
  };
  assert.equal(
    asFlags(change),
    `--url 'https://example.com/it'\\''s;rm' --events 'ticket.*,*.submitted' --description='-$(whoami)' ` +
      '--ordered true --disable-on-gone false --rate-limit 5 --retry-schedule 10s,1m',
  );
});

test('W3: what is taken away has its own flag, or no command at all', () => {
  assert.equal(asFlags({ rate_limit: null, description: '' }), `--description '' --no-rate-limit`);
  assert.equal(asFlags({ retry_schedule: null }), undefined);
});
