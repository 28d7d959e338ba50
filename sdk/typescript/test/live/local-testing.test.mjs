// The documentation's receiver and its two command lines, from one terminal to the other, as they stand but for the ports.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { WEBHOOK_BLOCKS } from './documents.mjs';
import { Child, CSTAR, freePort, run } from './scene.mjs';

const EXPRESS = fileURLToPath(new URL('node_modules/express', import.meta.url));

/** What the block takes for granted before it, and after it. */
const GIVEN = "import express from 'express';\nconst app = express();\napp.use(express.json());\n";
const LISTENING = "\napp.listen(process.env.PORT, () => console.log('listening'));\n";

for (const [whose, { receiver: block, commands }] of Object.entries(WEBHOOK_BLOCKS)) {
  test(`W44–W46, W55–W57, T20, T21: ${whose} receiver gets what ${whose} commands forward and trigger`, async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'cstar-local-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    const port = String(await freePort());
    const env = { HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1', PORT: port };
    const start = (program, ...args) => {
      const child = new Child(program, args, { cwd: home, env });
      t.after(() => child.kill('SIGTERM'));
      return child;
    };
    const dev = start(CSTAR, 'dev', '--listen', `127.0.0.1:${await freePort()}`);
    await dev.until('Ready', () => /\bReady\b/.test(dev.stdout));

    const [listen, trigger] = commandLines(commands, port);
    env.WEBHOOK_SECRET = (await run(CSTAR, ['listen', '--print-secret'], { cwd: home, env })).stdout.trim();
    await mkdir(join(home, 'node_modules'));
    await symlink(EXPRESS, join(home, 'node_modules/express'));
    await writeFile(join(home, 'receiver.mjs'), GIVEN + block + LISTENING);
    const receiver = start(process.execPath, 'receiver.mjs');
    await receiver.until('listening', () => receiver.stdout.includes('listening'));
    const listener = start(CSTAR, ...listen);
    await listener.until('Ready', () => /\bReady\b/.test(listener.stdout));

    await run(CSTAR, trigger, { cwd: home, env });
    await listener.until('the answer', () => /<-- 200/.test(listener.stdout));
    await receiver.until('the event', () => /Event: ticket\.created \{/.test(receiver.stdout));

    const forged = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-cstar-signature': '0'.repeat(64) } };
    const answer = await fetch(`http://127.0.0.1:${port}/webhook`, forged);
    assert.deepEqual([answer.status, await answer.json()], [401, { error: 'Invalid signature' }]);
  });
}

/** The words after `cstar` of each command line, in order, with this port for the document's. */
function commandLines(text, port) {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('cstar '));
  assert.deepEqual(lines, ['cstar listen --forward-to http://localhost:3000/webhook', 'cstar trigger ticket.created']);
  return lines.map((line) => line.replace(':3000/', `:${port}/`).split(' ').slice(1));
}
