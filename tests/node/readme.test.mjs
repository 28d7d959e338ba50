// The README's walk over HTTP, run as it stands but for the ports.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { Child, CSTAR } from './child.mjs';
import { freePort } from './harness.mjs';

const README = new URL('../../README.md', import.meta.url);
const PACKAGES = new URL('node_modules/', import.meta.url).pathname;

/** The block of this language that holds `word`. */
function block(text, language, word) {
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code);
  const found = blocks.filter((code) => code.includes(word));
  assert.equal(found.length, 1, `one ${language} block with ${word}`);
  return found[0];
}

test('the README works as it is written', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cstar-readme-'));
  await mkdir(join(directory, 'node_modules'));
  for (const [name, from] of [['express', 'express5'], ['standardwebhooks', 'standardwebhooks']]) {
    await symlink(join(PACKAGES, from), join(directory, 'node_modules', name));
  }
  const [server, receiver] = [await freePort(), await freePort()];
  const readme = (await readFile(README, 'utf8')).replaceAll('7071', server).replaceAll('3000', receiver);
  await writeFile(join(directory, 'receiver.mjs'), block(readme, 'js', 'standardwebhooks'));

  // What the walk leaves running ends with it, whether it waits by then or has yet to.
  const script = `trap exit TERM\ntrap 'kill $(jobs -p)' EXIT\n${block(readme, 'sh', 'cstar serve')}\nwait\n`;
  const env = { PATH: `${dirname(CSTAR)}:${process.env.PATH}` };
  const shell = new Child('bash', ['-c', script], { cwd: directory, env });
  t.after(async () => {
    if (!shell.ended) await shell.kill('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });
  const shows = (text) => shell.until(text, () => shell.stdout.includes(text));
  await shows('event: cstar.ready');
  await shows("customer.created { id: 'cus_1', name: 'Ada' }"); // the receiver has verified it
  await shows('data: {"id":"evt_'); // the stream has it
  await shows('"event_type":"customer.created"'); // and so have the webhook logs
});
