// One program in every runtime at once, the package installed from its archive: it follows a stream over a kill of the
// server on tokens that expire, verifies a webhook, and ends by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openBrowser, servePages } from './chromium.mjs';
import { clientOf } from './clients.mjs';
import { install } from './installed.mjs';
import { openReceiver } from './receiver.mjs';
import { RUNTIMES } from './runtimes.mjs';
import { Child, publish, Server, streamsOf, waitFor } from './scene.mjs';

/**
 * So short that every stream sees its token expire, and so long that this happens once it has stood for 5 s, kill or no kill: a
 * stream whose keys are refused one after the other is given up.
 */
const TOKEN_SECONDS = 12;
const ENDS_THE_RUN = 'survey.submitted';

const opened = [];
/** By name of the runtime: its program, with the `lines` that it has printed. */
const runs = {};
let published;
let webhook;

before(async () => {
  const server = await Server.start({ flags: ['--cors-origins', 'localhost'] });
  opened.push(() => server.stop());
  const team = await server.team('runtimes');
  webhook = await genuineWebhook(team);
  const maker = clientOf(team);
  const pages = await servePages({
    '/token': async () => (await maker.realtime.createToken({ ttl_seconds: TOKEN_SECONDS })).token,
  });
  opened.push(() => pages.close());
  const told = { url: server.url, teamId: team.id, tokens: `${pages.url}/token`, webhook };

  const project = await install();
  opened.push(() => project.remove());
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) start(name, program, args, project, told);
  await startChromium(pages, told);
  const names = Object.keys(runs);
  const connected = (name) => runs[name].lines.findLast((line) => 'connected' in line)?.connected === true;
  const everybody = (what, condition) => Promise.all(names.map((name) => runs[name].until(what, () => condition(name))));

  await everybody('connected', connected);
  await streamsOf(team, names.length);
  const first = await publish(team, 'ticket.created', 'ticket.updated');
  await everybody('at the second event', (name) => events(name).length === 2);

  await server.crash();
  await everybody('told of the kill', (name) => !connected(name));
  await server.begin();
  const missed = await publish(team, 'boss.spawned', 'boss.defeated', 'player.level_up');
  await everybody('back', (name) => events(name).length === 5);

  const tokens = (name) => runs[name].lines.filter(({ asked }) => asked).length;
  const earlier = Object.fromEntries(names.map((name) => [name, tokens(name)]));
  await everybody('with another token', (name) => tokens(name) > earlier[name] && connected(name));
  published = [...first, ...missed, ...(await publish(team, 'customer.created', ENDS_THE_RUN))];
  await everybody('at its end', (name) => runs[name].lines.some(({ destroyed }) => destroyed));
});

after(async () => {
  for (const close of opened.reverse()) await close();
});

const events = (name) => runs[name].lines.filter(({ event }) => event);

function start(name, program, args, { directory }, told) {
  const env = { CSTAR_TOLD: JSON.stringify(told), DENO_NO_UPDATE_CHECK: '1' };
  const child = new Child(program, [...args, `${directory}/main.mjs`], { cwd: directory, env });
  opened.push(() => child.kill());
  runs[name] = {
    get lines() {
      return child.stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
    },
    until: (what, condition) => child.until(what, condition),
    end: () => child.end(),
  };
}

async function startChromium(pages, told) {
  const browser = await openBrowser();
  opened.push(() => browser.close());
  const page = await browser.newPage();
  const lines = [];
  runs.Chromium = { lines, until: (what, condition) => waitFor(`${what} from Chromium`, condition) };
  await page.exposeFunction('print', (line) => lines.push(line));
  await page.goto(pages.url);
  await page.evaluate(async (told) => {
    const [{ follow }, { verify }, client] = await Promise.all(
      ['/programs/follow.mjs', '/programs/verify.mjs', '/client.js'].map((path) => import(path)),
    );
    globalThis.print(await verify(client, told.webhook));
    globalThis.following = follow(client, told, globalThis.print);
  }, told);
}

/** A request that the server made, and the secret that it was signed with. */
async function genuineWebhook(team) {
  const receiver = await openReceiver();
  opened.push(() => receiver.close());
  const { secret } = await team.webhook(receiver.url, ['ticket.created']);
  await publish(team, 'ticket.created');
  await waitFor('a webhook', () => receiver.received.length === 1);
  return { ...receiver.received[0], secret };
}

for (const name of [...Object.keys(RUNTIMES), 'Chromium']) {
  test(`R2, R4, R6, R15, R23, R26, R27, T16: ${name} sees each event once, in order, over a kill of the server`, () => {
    assert.deepEqual(events(name).map(({ event }) => event), published.map(({ id }) => id));
    assert.deepEqual(events(name).map(({ data }) => data), published.map(({ data }) => data.id));
  });

  test(`R17–R19, T12, T13: ${name} is told of the kill and of the return`, () => {
    const changes = runs[name].lines.filter((line) => 'connected' in line).map(({ connected }) => connected);
    assert.deepEqual(changes, changes.map((_, index) => index % 2 === 0), 'true, false, true, …');
    assert.ok(runs[name].lines.some(({ error }) => error?.willRetry));
  });

  test(`T17: ${name} asks for another token when its own has expired, and goes on`, () => {
    assert.ok(runs[name].lines.filter(({ asked }) => asked).length > 1);
  });

  test(`R21, T14: ${name} is disconnected after destroy()`, async () => {
    assert.deepEqual(runs[name].lines.slice(-2), [{ connected: false }, { destroyed: true, stillConnected: false }]);
  });

  test(`W36–W40, T2: ${name} verifies a genuine webhook and says what is wrong with another`, () => {
    const { id } = JSON.parse(webhook.body);
    assert.deepEqual(runs[name].lines[0], {
      genuine: id,
      bytes: id,
      forged: 'WebhookVerificationError no_match',
      parsed: 'WebhookVerificationError body_not_raw',
      late: 'WebhookVerificationError timestamp_too_old',
      valid: true,
      invalid: false,
      short: false,
      missing: false,
    });
  });
}

for (const name of Object.keys(RUNTIMES)) {
  test(`T14: ${name} ends by itself after destroy()`, async () => {
    assert.equal(await runs[name].end(), 0);
  });
}
