// What the client takes from where it runs: a page, a worker of one, an edge, or a server.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { json, TestServer } from '../support/server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
beforeEach(() => void vi.resetModules()); // The warning is given once.

const places = {
  'a page': { globals: { document: {} }, isBrowser: true, sendsAgent: false },
  'a worker of a page': { globals: { process: undefined, WorkerGlobalScope: class {}, location: { origin: 'http://localhost' } }, isBrowser: true, sendsAgent: false },
  'a worker at the edge': { globals: { process: undefined, WorkerGlobalScope: class {} }, isBrowser: false, sendsAgent: false },
  Node: { globals: {}, isBrowser: false, sendsAgent: true },
  Deno: { globals: { process: undefined, Deno: {}, WorkerGlobalScope: class {}, location: { origin: 'http://localhost' } }, isBrowser: false, sendsAgent: true },
};

for (const [place, { globals, isBrowser, sendsAgent }] of Object.entries(places)) {
  for (const apiKey of ['csk_1', () => 'csk_1']) {
    test(`T17: ${place} that holds a secret key, as a ${typeof apiKey}, is warned of it: ${isBrowser}; its agent is told: ${sendsAgent}`, async () => {
      await using server = await TestServer.start(json(200, {}));
      const warned = vi.spyOn(console, 'warn').mockReturnValue();
      const sent: Array<Record<string, string>> = [];
      const fetching: typeof fetch = (url, init) => {
        sent.push(init!.headers as Record<string, string>);
        return fetch(url, init);
      };
      const { CStarClient } = await import('../../src/index.js');
      for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
      await new CStarClient({ apiKey, teamId: TEAM, baseUrl: server.url, fetch: fetching }).team.get();
      vi.unstubAllGlobals();
      expect('user-agent' in sent[0]!).toBe(sendsAgent);
      expect(warned.mock.calls.map(([text]) => text)).toEqual(isBrowser ? [expect.stringContaining('this page holds a secret key')] : []);
    });
  }
}

test('a `fetch` that is given is called as a function, and as a method of nothing', async () => {
  await using server = await TestServer.start(json(200, { id: TEAM }));
  const { CStarClient } = await import('../../src/index.js');
  function pageFetch(this: unknown, ...given: Parameters<typeof fetch>): Promise<Response> {
    if (this !== undefined && this !== globalThis) throw new TypeError("Failed to execute 'fetch' on 'Window': Illegal invocation");
    return fetch(...given);
  }
  const client = new CStarClient({ apiKey: 'csk_1', teamId: TEAM, baseUrl: server.url, fetch: pageFetch });
  expect(await client.team.get()).toEqual({ id: TEAM });
});
