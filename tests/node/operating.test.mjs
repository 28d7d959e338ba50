// docs/operating.md: each command is run, in order, and prints what stands there but for ids, times and secrets.
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { Child, CSTAR } from './child.mjs';
import { compare, ID, steps } from './guide.mjs';
import { freePort } from './harness.mjs';

const GUIDE = new URL('../../docs/operating.md', import.meta.url);
/** The receiver is mended before this command. */
const MENDED_BEFORE = 'cstar webhooks test';

test('the guide to a failed delivery is true', async (t) => {
  let isWell = false;
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => {
      response.statusCode = isWell ? 200 : 503;
      response.end(isWell ? 'ok' : 'down for maintenance');
    });
  }).listen(0, 'localhost');
  await once(receiver, 'listening');
  const home = await mkdtemp(join(tmpdir(), 'cstar-operating-'));
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), PATH: `${dirname(CSTAR)}:${process.env.PATH}` };
  const listen = `127.0.0.1:${await freePort()}`;
  const dev = new Child(CSTAR, ['dev', '--listen', listen, '--data', join(home, 'data'), '--retry-schedule', '1s'], { env });
  t.after(async () => {
    if (!dev.ended) await dev.kill('SIGTERM');
    receiver.close();
    receiver.closeAllConnections();
    await rm(home, { recursive: true, force: true });
  });
  await dev.until('ready', () => dev.stdout.includes('Ready.'));

  const guide = (await readFile(GUIDE, 'utf8')).replaceAll('localhost:3000', `localhost:${receiver.address().port}`);
  const ids = new Map();
  for (const { command, lines } of steps(guide)) {
    isWell ||= command.startsWith(MENDED_BEFORE);
    const line = command.replace(ID, (id) => ids.get(id) ?? id);
    const shell = new Child('bash', ['-c', line], { env });
    await shell.end();
    const actual = shell.stdout.split('\n').slice(0, -1);
    // A delivery that is resent is still on its way when the operation is done.
    compare(`${command}\n${shell.stderr}`, lines, actual, ids);
    if (command.includes('resend')) await dev.until('the resent delivery has ended', async () => {
      const left = new Child('bash', ['-c', 'cstar deliveries list --status pending --json; cstar deliveries list --status retrying --json'], { env });
      await left.end();
      return left.stdout === '';
    });
  }
});
