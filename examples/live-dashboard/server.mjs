// The dashboard's own server: it keeps the key, and gives its page a token that is good for ten minutes.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { CStarClient } from '@cstar/client';
import { build } from 'esbuild';

const { CSTAR_KEY, CSTAR_TEAM_ID, CSTAR_URL = 'http://localhost:7070', PORT = '5173' } = process.env;
const cstar = new CStarClient({ apiKey: CSTAR_KEY, teamId: CSTAR_TEAM_ID, baseUrl: CSTAR_URL });

const path = (name) => fileURLToPath(new URL(`page/${name}`, import.meta.url));
const page = await readFile(path('index.html'));
const style = await readFile(path('dashboard.css'));
const bundle = await build({ entryPoints: [path('dashboard.js')], bundle: true, format: 'esm', write: false });

const ROUTES = {
  '/': ['text/html', () => page],
  '/dashboard.css': ['text/css', () => style],
  '/dashboard.js': ['text/javascript', () => bundle.outputFiles[0].text],
  '/stream.json': ['application/json', stream],
};

/** Where the stream is, and a token for it. In earnest: look first who asks, and which types they may see. */
async function stream() {
  const { token } = await cstar.realtime.createToken({ types: ['*'] });
  return JSON.stringify({ baseUrl: CSTAR_URL, teamId: CSTAR_TEAM_ID, token });
}

const server = createServer(async (request, response) => {
  const [type, answer] = ROUTES[request.url] ?? [];
  if (!type) return response.writeHead(404).end();
  try {
    const body = await answer();
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(body);
  } catch (error) {
    console.error(error.message);
    response.writeHead(502).end();
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
