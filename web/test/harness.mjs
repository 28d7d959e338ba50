// A server of `cstar dev`, a receiver, and a browser that hears of everything that goes wrong in it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { Child, CSTAR } from '../../tests/node/child.mjs';
import { Api, freePort, Team } from '../../tests/node/harness.mjs';

const SCREENSHOTS = new URL('../screenshots/', import.meta.url).pathname;

/** Longer than anything takes on a slow machine; reached only when something is broken. */
const DEADLINE_MS = 30_000;

/** `cstar dev` with a home, a data directory and a port of its own, which outlive a crash. */
export class Dev {
  #child;
  #home;
  #args;

  static async start(...flags) {
    const dev = new Dev();
    dev.#home = await mkdtemp(join(tmpdir(), 'cstar-web-'));
    dev.#args = ['dev', '--listen', `127.0.0.1:${await freePort()}`, '--json', ...flags];
    const told = await dev.begin();
    dev.link = told.page;
    dev.url = told.url.replace(/\/$/, '');
    dev.api = new Api(dev.url, await readFile(join(dev.#home, '.cstar/platform.key'), 'utf8'));
    dev.team = new Team(dev.api, told.team, undefined);
    dev.team.key = await dev.team.makeKeyByPlatform();
    return dev;
  }

  /** Starts the process; what it tells. */
  async begin() {
    const env = { HOME: this.#home, XDG_CONFIG_HOME: this.#home };
    this.#child = new Child(CSTAR, this.#args, { cwd: this.#home, env });
    await this.#child.until('its first line', () => this.#child.stdout.includes('\n'));
    return JSON.parse(this.#child.stdout);
  }

  /** Ends the process at once, as `kill -9` does. */
  async crash() {
    await this.#child.kill('SIGKILL');
  }

  /** A new link to the settings page. */
  async newLink(asked = {}) {
    return (await this.api.json(201, 'POST', `${this.team.path}/portal-links`, { body: asked })).url;
  }

  async stop() {
    await this.#child.kill('SIGTERM');
    await rm(this.#home, { recursive: true, force: true });
  }
}

const SCOPES = [
  'events:write',
  'events:read',
  'webhooks:read',
  'webhooks:write',
  'deliveries:read',
  'deliveries:write',
  'keys:write',
  'audit:read',
];

Team.prototype.makeKeyByPlatform = async function () {
  return (await this.api.json(201, 'POST', `${this.path}/keys`, { body: { name: 'tests', scopes: SCOPES } })).key;
};

/** An endpoint that keeps what it got, and answers as it is told. */
export class Receiver {
  requests = [];
  answer = { status: 200, body: '{"received":true}' };
  #server;

  static async start() {
    const receiver = new Receiver();
    receiver.#server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      receiver.requests.push({ headers: request.headers, body: Buffer.concat(chunks) });
      const { status, body, headers } = receiver.answer;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    }).listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    receiver.url = `http://127.0.0.1:${receiver.#server.address().port}/webhook`;
    return receiver;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A real Chromium. */
export async function launch() {
  return chromium.launch({ executablePath: process.env.CSTAR_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/**
 * A page in a session of its own. What it complains of is in `page.complaints`: errors, and everything that the page's policy
 * forbade. `{ expected }` is what may be complained of: a browser reports each answer above 399.
 */
export async function open(browser, { expected = /status of 4\d\d/, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    ...options,
  });
  context.setDefaultTimeout(DEADLINE_MS);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    const isBad = ['error', 'warning'].includes(message.type());
    if (isBad && !expected.test(message.text())) page.complaints.push(message.text());
  });
  return page;
}

/** Nothing went wrong in the page, and its policy forbade nothing. */
export function assertQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

/** Signs in by a new link. */
export async function signIn(page, dev, asked) {
  await page.goto(await dev.newLink(asked));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

/** What axe has against the page as it is shown, by one rule or by all. The policy does not let it in as a script, so it is evaluated. */
export async function violations(page, rule) {
  await page.evaluate(axe.source);
  const how = { resultTypes: ['violations'], ...(rule && { runOnly: [rule] }) };
  const { violations } = await page.evaluate((how) => globalThis.axe.run(how), how);
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`,
  );
}

/** Keeps a picture for people to look at. */
export async function shoot(page, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
