// The examples and the README's lines on the client, each as somebody runs it: in a folder of its own, with the package installed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openBrowser } from './chromium.mjs';
import { install } from './installed.mjs';
import { Child, example, publish, Server, streamsOf, waitFor } from './scene.mjs';

const README = new URL('../../../../README.md', import.meta.url);
const EXAMPLES = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const PACKAGES = fileURLToPath(new URL('node_modules/', import.meta.url));

let server;
let project;

before(async () => {
  [server, project] = await Promise.all([Server.start({ flags: ['--cors-origins', 'localhost'] }), install()]);
  for (const name of ['express', 'esbuild']) await symlink(PACKAGES + name, join(project.directory, 'node_modules', name));
});

after(async () => {
  await project?.remove();
  await server?.stop();
});

/** The example under way, and the address that it printed. */
async function started(t, name, env) {
  const cwd = join(project.directory, name);
  await cp(EXAMPLES + name, cwd, { recursive: true, filter: (path) => !path.includes('node_modules') });
  const [program, ...args] = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')).scripts.start.split(' ');
  const child = new Child(program, args, { cwd, env: { PORT: '0', ...env } });
  t.after(() => child.kill());
  const [url] = await child.until('an address', () => child.stdout.match(/http:\S+/));
  return { child, url };
}

test('W1, W7, W46, T8: the Express receiver takes a webhook once and refuses what was not signed for it', async (t) => {
  const team = await server.team('receiver');
  const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  const { child, url } = await started(t, 'express-receiver', { WEBHOOK_SECRET: secret });
  const webhook = await team.json(201, 'POST', '/webhooks', { body: { url, events: ['ticket.*'], secret } });
  const [{ id }] = await publish(team, 'ticket.created');
  const [delivery] = await server.settled(team, webhook.id, 1);
  assert.equal(delivery.status, 'delivered');

  await team.json(200, 'POST', `/deliveries/${delivery.id}/resend`);
  await waitFor('the second attempt', async () => (await team.json(200, 'GET', `/deliveries/${delivery.id}`)).attempts.length === 2);
  const forged = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
  assert.equal(forged.status, 401);
  await child.until('a refusal told', () => child.stderr.includes('refused: '));
  assert.equal(child.stdout.split(`ticket.created ${id}`).length, 2, 'worked on once');
});

test('R17, R18, R27, T17: the dashboard shows events as they happen, over a kill of the server, and holds no key', async (t) => {
  const team = await server.team('dashboard');
  const env = { CSTAR_URL: server.url, CSTAR_TEAM_ID: team.id, CSTAR_KEY: team.key };
  const { url } = await started(t, 'live-dashboard', env);
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage();
  const answers = [];
  page.on('response', (response) => answers.push(response.text().catch(() => '')));
  await page.goto(url);

  const live = (text) => page.locator('#live', { hasText: new RegExp(`^${text}$`) }).waitFor();
  const rows = page.locator('#events li');
  await live('live');
  await streamsOf(team, 1);
  await publish(team, 'boss.spawned', 'ticket.created');
  await rows.nth(1).waitFor();
  await server.crash();
  await live('reconnecting');
  await server.begin();
  await team.publish({ type: 'ticket.created', data: JSON.stringify({ ...example('ticket.created'), title: '<b>bold</b>' }) });
  await live('live');
  await rows.nth(2).waitFor();

  assert.deepEqual(await page.locator('#events .type').allTextContents(), ['ticket.created', 'ticket.created', 'boss.spawned']);
  assert.equal(await page.locator('#events .about').first().textContent(), '<b>bold</b>');
  assert.deepEqual(await page.locator('#counts div').allTextContents(), ['1boss', '2ticket']);
  assert.equal(await page.locator('#notice').isVisible(), false);
  assert.ok((await Promise.all(answers.slice(0, 4))).every((text) => !text.includes(team.key)));
});

test("R1, R10, R17, R18: the README's lines on the client do what it says", async (t) => {
  const blocks = [...readFileSync(README, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  const [code] = blocks.filter((block) => block.includes('cstar.realtime'));
  await writeFile(join(project.directory, 'readme.mjs'), code);
  const team = await server.team('readme');
  const env = { CSTAR_URL: server.url, CSTAR_TEAM_ID: team.id, CSTAR_KEY: team.key };
  const child = new Child(process.execPath, ['readme.mjs'], { cwd: project.directory, env });
  t.after(() => child.kill());
  await child.until('live', () => child.stdout === 'live\n');
  await publish(team, 'boss.spawned', 'ticket.created');
  await child.until('the ticket', () => child.stdout === `live\nticket.created ${example('ticket.created').title}\n`);
  await server.crash();
  await child.until('reconnecting', () => child.stdout.endsWith('reconnecting\n'));
  await server.begin();
  await child.until('live again', () => child.stdout.endsWith('reconnecting\nlive\n'));
});
