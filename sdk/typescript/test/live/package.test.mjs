// The package itself: what is in it, how large it is, and that it works wherever it is installed.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { bundled } from './chromium.mjs';
import { install } from './installed.mjs';
import { run } from './scene.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** Programs of packages, by their files: the other versions of Node that are installed here would stand in `.bin` as `node`. */
const ATTW = fileURLToPath(new URL('node_modules/@arethetypeswrong/cli/dist/index.js', import.meta.url));
const TSC = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url));
/** Of the part for realtime, with what it depends on. */
const REALTIME_MAX_BYTES = 8 * 1024;

let project;

before(async () => {
  project = await install();
});

after(() => project?.remove());

/** Runs this as a file of the project, by Node or by a program for Node. */
async function inProject(name, text, ...program) {
  await writeFile(join(project.directory, name), text);
  return run(process.execPath, [...program, name], { cwd: project.directory });
}

test('attw finds the types of every entry right for every way to import it', async () => {
  await run(process.execPath, [ATTW, project.archive, '--no-emoji', '--format', 'ascii'], { cwd: project.directory });
});

test('publint has nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: PACKAGE, strict: true });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
});

test(`the part for realtime has at most ${REALTIME_MAX_BYTES} bytes, gzipped`, async (t) => {
  const entry = join(project.directory, 'realtime-only.mjs');
  await writeFile(entry, "export * from '@cstar/client/realtime';\n");
  const bytes = gzipSync(await bundled(entry), { level: 9 }).length;
  t.diagnostic(`${bytes} bytes, minified and gzipped, with its dependency`);
  assert.ok(bytes <= REALTIME_MAX_BYTES, `${bytes} bytes`);
});

test('one function brings no more than it needs: the package has no side effects', async () => {
  const entry = join(project.directory, 'one-function.mjs');
  await writeFile(entry, "export { isValidWebhook } from '@cstar/client';\n");
  const [one, all] = [(await bundled(entry)).length, (await bundled()).length];
  assert.ok(one < all / 8, `${one} of ${all} bytes`);
});

const USE = `
const cstar = new CStarClient({ apiKey: 'csk_1', teamId: '6f1c1b8e-4b9e-4b43-8f0d-4f6c8f1e7a11' });
if (cstar.realtime.connected !== false) throw new Error('connected');
cstar.destroy();
console.log(typeof verifyWebhook, typeof isValidWebhook);
`;

for (const [kind, name, imported] of [
  ['ESM', 'use.mjs', "import { CStarClient, isValidWebhook, verifyWebhook } from '@cstar/client';"],
  ['CJS', 'use.cjs', "const { CStarClient, isValidWebhook, verifyWebhook } = require('@cstar/client');"],
]) {
  test(`R1: it installs in an empty project and works as ${kind}`, async () => {
    const { stdout } = await inProject(name, imported + USE);
    assert.equal(stdout, 'function function\n');
  });
}

for (const [kind, name] of [['ESM', 'typed.mts'], ['CJS', 'typed.cts']]) {
  test(`R8–R11, T9: handlers are typed in TypeScript as ${kind}`, async () => {
    await inProject(name, TYPED, TSC, '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext');
  });
}

const TYPED = `
import { CStarClient } from '@cstar/client';

const cstar = new CStarClient({ apiKey: async () => 'token', teamId: '6f1c1b8e-4b9e-4b43-8f0d-4f6c8f1e7a11', types: ['ticket.*'] });
const off: () => void = cstar.realtime.on('ticket.created', (event) => {
  const type: 'ticket.created' = event.type;
  const titles: [string, string] = [event.data.title, event.data.ticket.title];
  // @ts-expect-error: a ticket has no such field
  event.data.ticket.level;
});
cstar.realtime.on('ticket.*', ({ type }) => {
  const one: 'ticket.created' | 'ticket.updated' | 'ticket.closed' | 'ticket.message_added' = type;
  // @ts-expect-error: no type of boss is among them
  const other: 'boss.spawned' = type;
});
// @ts-expect-error: no such type
cstar.realtime.on('tickets.created', () => {});
const live: boolean = cstar.realtime.connected;
`;
