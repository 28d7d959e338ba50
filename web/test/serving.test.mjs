// How the server serves the page: its own paths alone, small, kept where it can be, and under a strict policy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { once } from 'node:events';

import { assertQuiet, Dev, launch, open } from './harness.mjs';

/** Before the first page is drawn, everything gzipped. */
const LOAD_MAX_BYTES = 200 * 1024;

let dev, browser;
before(async () => {
  [dev, browser] = await Promise.all([Dev.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await dev?.stop();
});

/** The answer as it is on the wire: `fetch` would unpack it. */
async function get(path, headers = {}, method = 'GET') {
  const [answer] = await once(request(dev.url + path, { headers, method }).end(), 'response');
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
}

const html = 'text/html; charset=utf-8';

test('the page is at its own paths, and at nobody else’s', async () => {
  for (const path of [
    '/',
    '/webhooks',
    '/webhooks/wh_1/edit',
    '/logs/dlv_1',
    '/live',
    '/event-types/ticket.created',
    '/keys',
    '/portal',
  ]) {
    const { status, headers } = await get(path);
    assert.deepEqual([status, headers['content-type']], [200, html], path);
  }
  for (const path of [
    '/v1',
    '/v1/nothing',
    '/nothing',
    '/index.html',
    '/assets/',
    '/assets/nothing.js',
    '/webhooks.html',
    '/keysmith',
    '/%2e%2e/etc/passwd',
  ]) {
    const { status, headers } = await get(path);
    assert.equal(headers['content-type'], 'application/problem+json', path);
    assert.ok([401, 404].includes(status), path);
  }
  for (const [path, kind] of [
    ['/docs', html],
    ['/openapi.json', 'application/json'],
    ['/readyz', 'application/json'],
  ]) {
    const { status, headers, body } = await get(path);
    assert.equal(status, 200, path);
    assert.ok(headers['content-type'].startsWith(kind.split(';')[0]), path);
    assert.doesNotMatch(body.toString(), /id="root"/, path);
  }
  assert.equal((await get('/webhooks', {}, 'POST')).status, 405);
  assert.equal((await get('/webhooks', {}, 'HEAD')).status, 200);
});

test('the policy allows the page its own files and this server, and nothing else', async () => {
  const { headers, body } = await get('/');
  const policy = headers['content-security-policy'];
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.doesNotMatch(body.toString(), /<style|style=|<script(?! type="module" crossorigin src="\/assets\/)/);
});

test('files are packed as the browser takes them; those named by their content are kept for ever', async () => {
  const index = await get('/');
  assert.equal(index.headers['cache-control'], 'no-cache');
  const [, script] = index.body.toString().match(/src="(\/assets\/[^"]+\.js)"/);
  const plain = await get(script);
  const gzip = await get(script, { 'accept-encoding': 'gzip' });
  const brotli = await get(script, { 'accept-encoding': 'gzip, deflate, br' });
  assert.deepEqual(
    [plain, gzip, brotli].map(({ headers }) => headers['content-encoding']),
    [undefined, 'gzip', 'br'],
  );
  assert.ok(gunzipSync(gzip.body).equals(plain.body));
  assert.ok(brotli.body.length < gzip.body.length);
  for (const { headers } of [plain, gzip, brotli]) {
    assert.match(headers['cache-control'], /immutable/);
    assert.match(headers.vary, /accept-encoding/);
  }
});

test('the licences of what the page is made of are handed on with it', async () => {
  const { status, headers, body } = await get('/assets/licences.md');
  assert.deepEqual([status, headers['cache-control']], [200, 'no-cache']);
  for (const name of ['react', 'react-aria-components', '@tanstack/react-query', 'lucide-react', 'wouter', 'highlight.js']) {
    assert.ok(body.toString().includes(`## ${name} - `), name);
  }
});

test('at most 200 KB, gzipped, are loaded before the first page is drawn', async () => {
  const page = await open(browser, { extraHTTPHeaders: { 'accept-encoding': 'gzip' } });
  await page.goto(await dev.newLink());
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
  const loaded = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .concat(performance.getEntriesByType('navigation'))
      .map(({ name, encodedBodySize }) => [name, encodedBodySize]),
  );
  const files = loaded.filter(([name]) => !name.includes('/v1/'));
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  console.log(`${Math.round(bytes / 1024)} KB in ${files.length} files`);
  assert.ok(bytes > 50 * 1024, 'it was measured');
  assert.ok(bytes <= LOAD_MAX_BYTES, JSON.stringify(files));
  assertQuiet(page);
});
