// The Express handler as the documentation publishes it, taken from the documentation's own text when the test runs.
import crypto from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

const DOCUMENTATION = new URL('../../../../shared/seeds/webhooks.txt', import.meta.url);
const FILE_NAME = 'verify-webhook.js';
const NEXT_HEADING = 'Request Headers';
const IMPORT = /^\s*import crypto from 'crypto';$/m;

/** Whether the documentation's text is beside this checkout. */
export const isPublished = existsSync(DOCUMENTATION);

/** Adds the published `POST /webhook` to `app`; it reads its secret from `environment.WEBHOOK_SECRET`. */
export function publishedHandler(app, environment) {
  const quiet = { log() {} };
  // The one line that only a module may hold is taken out; everything else runs as printed.
  const handler = new Function('crypto', 'process', 'app', 'console', source().replace(IMPORT, ''));
  handler(crypto, { env: environment }, app, quiet);
}

function source() {
  const lines = readFileSync(DOCUMENTATION, 'utf8').split('\n');
  const start = lines.indexOf(FILE_NAME) + 1;
  const code = lines.slice(start, lines.indexOf(NEXT_HEADING, start)).join('\n');
  if (start === 0 || !IMPORT.test(code) || !code.includes('app.post(')) {
    throw new Error(`the documentation holds no ${FILE_NAME} in the form that this test knows`);
  }
  return code;
}
