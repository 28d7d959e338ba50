// The receiver that the page shows, run as it stands but for the port.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { Child } from '../../tests/node/child.mjs';
import { freePort } from '../../tests/node/harness.mjs';
import { waitFor } from '../../tests/node/wait.mjs';
import { Dev } from './harness.mjs';
import { source } from './source.mjs';

const ROOT = new URL('../../', import.meta.url).pathname;
const PACKAGES = { express: 'tests/node/node_modules/express5', '@cstar/client': 'sdk/typescript' };

test('W37, T5: the receiver for Node takes what is genuine, and nothing else', async (t) => {
  const dev = await Dev.start();
  const directory = await mkdtemp(join(tmpdir(), 'cstar-snippet-'));
  const running = [];
  t.after(async () => {
    for (const receiver of running) await receiver.kill();
    await dev.stop();
    await rm(directory, { recursive: true, force: true });
  });
  await mkdir(join(directory, 'node_modules/@cstar'), { recursive: true });
  for (const [name, from] of Object.entries(PACKAGES)) await symlink(ROOT + from, join(directory, 'node_modules', name));
  const { SNIPPETS } = await source('pages/webhooks/snippets.ts');
  const { code } = SNIPPETS.find(({ id }) => id === 'node');

  /** What becomes of a test that is sent to the receiver, which was given this secret. */
  const outcome = async (secretOf) => {
    const port = await freePort();
    const webhook = await dev.team.webhook(`http://127.0.0.1:${port}/webhook`, ['*']);
    const file = join(directory, `receiver-${port}.mjs`);
    await writeFile(file, code.replace('3000', port));
    const receiver = new Child(process.execPath, [file], { env: { WEBHOOK_SECRET: secretOf(webhook) } });
    running.push(receiver);
    await receiver.until('it listens', () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      ),
    );
    const attempt = await dev.team.json(200, 'POST', `/webhooks/${webhook.id}/test`, { body: {} });
    return { attempt, receiver };
  };

  const genuine = await outcome(({ secret }) => secret);
  assert.deepEqual([genuine.attempt.status_code, genuine.attempt.response_body], [200, '{"received":true}']);
  await waitFor('the event is printed', () => genuine.receiver.stdout.includes('ticket.created'));
  const other = await outcome(() => `whsec_${Buffer.alloc(32, 7).toString('base64')}`);
  assert.deepEqual([other.attempt.status_code, other.attempt.response_body], [401, '{"error":"Invalid signature"}']);
});
