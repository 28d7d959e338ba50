// docs/backup.md: each command is run, in order, and prints what stands there.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { Child, CSTAR } from './child.mjs';
import { compare, steps } from './guide.mjs';
import { freePort } from './harness.mjs';

const GUIDE = new URL('../../docs/backup.md', import.meta.url);
const PLATFORM_KEY = 'platform-key-of-the-guide-to-backups';
/** The first of the commands for which the server is stopped. */
const STOPPED_BEFORE = 'cstar restore';

test('the guide to backups is true', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'cstar-backup-'));
  const address = `127.0.0.1:${await freePort()}`;
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    PATH: `${dirname(CSTAR)}:${process.env.PATH}`,
    CSTAR_KEY: PLATFORM_KEY,
    CSTAR_URL: `http://${address}`,
  };
  const serve = async (flags) => {
    const server = new Child(CSTAR, ['serve', '--listen', address, ...flags], {
      cwd: home, env: { ...env, CSTAR_PLATFORM_KEY: PLATFORM_KEY },
    });
    await server.until('ready', async () => (await fetch(`http://${address}/readyz`).catch(() => null))?.ok);
    return server;
  };
  const ask = async (path, body) => {
    const headers = { authorization: `Bearer ${PLATFORM_KEY}`, 'content-type': 'application/json' };
    const answer = await fetch(`http://${address}/v1/${path}`, { method: body ? 'POST' : 'GET', headers, body });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  };
  let server = await serve(['--data', 'live']);
  t.after(async () => {
    if (!server.ended) await server.kill('SIGTERM');
    await rm(home, { recursive: true, force: true });
  });
  const { id } = await ask('teams', '{"name":"kept"}');

  for (const { command, lines } of steps(await readFile(GUIDE, 'utf8'))) {
    if (command.startsWith(STOPPED_BEFORE)) await server.kill('SIGTERM');
    const shell = new Child('bash', ['-c', command], { cwd: home, env: server.ended ? { ...env, CSTAR_KEY: '', CSTAR_URL: '' } : env });
    await shell.end();
    compare(`${command}\n${shell.stderr}`, lines, shell.stdout.split('\n').slice(0, -1), new Map());
  }
  server = await serve(['--data', 'again', '--master-key-file', 'live/master.key']);
  assert.equal((await ask(`teams/${id}`)).name, 'kept');
});
