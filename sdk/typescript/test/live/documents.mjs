// The code blocks of the documentation: of the published text where it is beside this checkout, and ours of the same form.
import { existsSync, readFileSync } from 'node:fs';

const PUBLISHED = new URL('../../../../../shared/seeds/', import.meta.url);
const OURS = new URL('blocks/', import.meta.url);

/** The blocks on realtime, each with the heading that follows it in the text. */
const REALTIME = {
  'subscribe.js': 'Subscribe to everything',
  'onany.js': 'Connection lifecycle',
  'lifecycle.js': 'Server-side filters',
  'scoped.js': 'Realtime vs. webhooks',
};

/** Who wrote the blocks, and how to read one of them by its name. */
export const REALTIME_BLOCKS = {
  'our own': ours,
  ...(isPublished('realtime.txt') && { 'the published': (name) => published('realtime.txt', name, REALTIME[name]) }),
};

/** The payload, the receiver and the command lines on webhooks, likewise. */
export const WEBHOOK_BLOCKS = {
  'our own': { payload: ours('payload.json'), receiver: ours('verify-webhook.js'), commands: ours('local-testing.sh') },
  ...(isPublished('webhooks.txt') && {
    'the published': {
      payload: published('webhooks.txt', 'Webhook payload', 'Signature Verification'),
      receiver: published('webhooks.txt', 'verify-webhook.js', 'Request Headers'),
      commands: published('webhooks.txt', 'Local Testing with the CLI'),
    },
  }),
};

function ours(name) {
  return readFileSync(new URL(name, OURS), 'utf8');
}

function isPublished(document) {
  return existsSync(new URL(document, PUBLISHED));
}

/** The text of a published document between two of its lines. */
function published(document, after, before) {
  const lines = readFileSync(new URL(document, PUBLISHED), 'utf8').split('\n');
  const start = lines.indexOf(after) + 1;
  const end = before === undefined ? lines.length : lines.indexOf(before, start);
  if (start === 0 || end < start) throw new Error(`${document} holds no ${after} that ends before ${before}`);
  return lines.slice(start, end).join('\n');
}
