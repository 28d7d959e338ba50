// The real server on loopback, started, killed and started again, and its HTTP API.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child, CSTAR } from './child.mjs';
import { waitFor } from './wait.mjs';

const PLATFORM_KEY = 'platform-key-of-the-tests-0123456789';
const ALL_SCOPES = [
  'events:write', 'events:read', 'webhooks:read', 'webhooks:write', 'deliveries:read', 'deliveries:write', 'keys:write', 'audit:read',
];
/** The most rows that a page of a list holds. */
const PAGE_ROWS = 200;

/**
 * A port that is free now, outside the range that the kernel gives to connections, so that none of them sits on it during a
 * restart.
 */
export async function freePort() {
  for (;;) {
    const port = 10_240 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A client of the HTTP API at `url`. */
export class Api {
  constructor(url, platformKey = PLATFORM_KEY) {
    this.url = url;
    this.platformKey = platformKey;
  }

  /** Sends `body` (JSON text as it stands, or a value) and returns the answer; any status is an answer. */
  async request(method, path, { key = this.platformKey, body, headers = {} } = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** The parsed answer; any other status than `expected` is an error that shows the answer. */
  async json(expected, method, path, options) {
    const { status, text } = await this.request(method, path, options);
    if (status !== expected) throw new Error(`${method} ${path}: ${status} instead of ${expected}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A new team with a key of its own. */
  async team(name, { scopes = ALL_SCOPES, types = ['*'] } = {}) {
    const { id } = await this.json(201, 'POST', '/v1/teams', { body: { name } });
    const team = new Team(this, id);
    team.key = await team.makeKey({ scopes, types });
    return team;
  }
}

/** One team of the server, through its key. */
export class Team {
  constructor(api, id, key) {
    this.api = api;
    this.id = id;
    this.key = key;
    this.path = `/v1/teams/${id}`;
  }

  async makeKey({ scopes, types }) {
    const body = { name: 'tests', scopes, types };
    return (await this.api.json(201, 'POST', `${this.path}/keys`, { body })).key;
  }

  async webhook(url, events) {
    return this.json(201, 'POST', '/webhooks', { body: { url, events } });
  }

  async json(expected, method, path, options = {}) {
    return this.api.json(expected, method, this.path + path, { key: this.key, ...options });
  }

  /** Publishes one event whose `data` is JSON text, sent as it stands; the envelope's bytes and its position. */
  async publish({ type, data }, { headers, ...more } = {}) {
    const tail = Object.entries(more).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`).join('');
    const body = `{"type":${JSON.stringify(type)},"data":${data}${tail}}`;
    const answer = await this.api.request('POST', `${this.path}/events`, { key: this.key, body, headers });
    if (answer.status !== 201 && answer.status !== 200) {
      throw Object.assign(new Error(`publish: ${answer.status}: ${answer.text}`), { status: answer.status });
    }
    return { envelope: answer.text, position: answer.headers.get('x-cstar-position') };
  }

  /** Publishes all or none; the envelopes in order. */
  async publishBatch(events) {
    const rows = events.map(({ type, data }) => `{"type":${JSON.stringify(type)},"data":${data}}`);
    const answer = await this.json(201, 'POST', '/events', { body: `{"events":[${rows.join(',')}]}` });
    return answer.data;
  }

  /** Every row of a list, page by page. */
  async all(path, query = {}) {
    const rows = [];
    let after;
    do {
      const page = new URLSearchParams({ ...query, limit: PAGE_ROWS, ...(after === undefined ? {} : { after }) });
      const { data, has_more: more, next } = await this.json(200, 'GET', `${path}?${page}`);
      rows.push(...data);
      after = more ? next : undefined;
    } while (after !== undefined);
    return rows;
  }

  /** The address of the team's stream. */
  stream(types) {
    return `${this.api.url}${this.path}/realtime${types === undefined ? '' : `?types=${types}`}`;
  }
}

/** `cstar serve` on a port and a data directory of its own, which outlive a crash. */
export class Server extends Api {
  #child;
  #data;
  #port;
  #flags;

  /** `flags` are further ones of `cstar serve`, the same at every start. */
  static async start({ flags = [] } = {}) {
    const port = await freePort();
    const server = new Server(`http://127.0.0.1:${port}`);
    server.#port = port;
    server.#flags = flags;
    server.#data = await mkdtemp(join(tmpdir(), 'cstar-'));
    try {
      await server.begin();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts the process and waits until it can accept a publish. */
  async begin() {
    const args = ['serve', '--data', this.#data, '--listen', `127.0.0.1:${this.#port}`, '--allow-http', '--allow-targets', '127.0.0.0/8', ...this.#flags];
    this.#child = new Child(CSTAR, args, { env: { CSTAR_PLATFORM_KEY: PLATFORM_KEY } });
    await this.#child.until('GET /readyz answered 200', () => this.#ready());
  }

  async #ready() {
    try {
      return (await fetch(`${this.url}/readyz`)).status === 200;
    } catch {
      return false;
    }
  }

  /** Ends the process at once, as `kill -9` does. */
  async crash() {
    await this.#child.kill('SIGKILL');
  }

  /** Ends the process and removes its data. */
  async stop() {
    if (!this.#child.ended) await this.#child.kill('SIGTERM');
    await rm(this.#data, { recursive: true, force: true });
  }

  /** Waits until the log says that every delivery of the webhook has ended; their rows. */
  async settled(team, webhook, count) {
    let rows = [];
    let open = [];
    const told = () => `${count} ended deliveries of ${webhook}; of ${rows.length} there are ${open.length} open`;
    return waitFor(told, async () => {
      rows = await team.all('/deliveries', { webhook });
      open = rows.filter(({ status }) => ['pending', 'retrying'].includes(status));
      return rows.length >= count && open.length === 0 && rows;
    });
  }
}
