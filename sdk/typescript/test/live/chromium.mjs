// A real Chromium, and pages on loopback that have the client.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CSTAR_CHROMIUM ?? '/usr/bin/chromium';
const CLIENT = fileURLToPath(new URL('../built.mjs', import.meta.url));

/** A browser without a window. Its sandbox wants what containers do not give, and it opens no page but ours. */
export const openBrowser = () => chromium.launch({ executablePath: EXECUTABLE });

/** What a bundler makes of the entry: one minified file for browsers. */
export async function bundled(entry = CLIENT) {
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false, logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/**
 * An origin of its own with an empty page at `/`, the client at `/client.js`, this folder's programs at `/programs/…`, and
 * `routes`: functions by path, whose answers are sent as text.
 */
export async function servePages(routes = {}) {
  const client = await bundled();
  const answer = async (path) => {
    if (path === '/') return ['text/html', '<!doctype html><title>cStar</title>'];
    if (path === '/client.js') return ['text/javascript', client];
    if (/^\/programs\/[a-z]+\.mjs$/.test(path)) return ['text/javascript', await readFile(new URL(`.${path}`, import.meta.url))];
    return path in routes ? ['text/plain', await routes[path]()] : undefined;
  };
  const server = createServer(async (request, response) => {
    const [type, body] = (await answer(request.url)) ?? [];
    if (type) response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
}
