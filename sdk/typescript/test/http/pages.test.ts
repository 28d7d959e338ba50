// What is different in a page.
import { readFileSync } from 'node:fs';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { VERSION } from '../../src/internal/version.js';
import { CStarClient } from '../../src/index.js';
import { json, TestServer } from '../support/server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';

beforeEach(() => void vi.stubGlobal('document', {}));
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('without a key, the page’s own server is asked, and the session’s cookie says who is asking', async () => {
  await using server = await TestServer.start(json(200, { team_id: TEAM, key: {} }));
  vi.stubGlobal('location', { origin: server.url });
  const client = new CStarClient({});
  await client.session.signIn({ key: 'csk_1' });
  await client.session.signIn({ link: 'csl_1' });
  expect((await client.session.get()).team_id).toBe(TEAM);
  await client.session.signOut();
  expect(server.seen.map(({ method, url, body }) => [method, url, body])).toEqual([
    ['POST', '/v1/session', '{"key":"csk_1"}'],
    ['POST', '/v1/session', '{"link":"csl_1"}'],
    ['GET', '/v1/session', ''],
    ['DELETE', '/v1/session', ''],
  ]);
  for (const { headers } of server.seen) expect(headers.authorization).toBeUndefined();
});

test('T17: a page that is given a secret key is warned once, and one with a token is not', () => {
  const warned = vi.spyOn(console, 'warn').mockReturnValue();
  const options = { teamId: TEAM, baseUrl: 'http://localhost' };
  new CStarClient({ ...options, apiKey: 'cst_1' });
  new CStarClient({ ...options, apiKey: async () => 'cst_1' });
  expect(warned).not.toHaveBeenCalled();
  new CStarClient({ ...options, apiKey: 'csk_1' });
  new CStarClient({ ...options, apiKey: 'csk_1' });
  expect(warned).toHaveBeenCalledTimes(1);
  expect(warned.mock.calls[0]![0]).not.toContain('csk_1');
});

test('a page sends no header that its server would have to allow', async () => {
  await using server = await TestServer.start(json(200, {}));
  const given: string[][] = [];
  const watching: typeof fetch = (input, init) => {
    given.push(Object.keys(init!.headers!));
    return fetch(input, init);
  };
  const client = new CStarClient({ apiKey: async () => 'cst_1', teamId: TEAM, baseUrl: server.url, fetch: watching });
  await client.team.get();
  await client.events.publish({ type: 'boss.spawned', data: { id: '1' } });
  expect(given).toEqual([['authorization'], ['authorization', 'content-type', 'idempotency-key']]);
});

test('the version that the client tells is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
