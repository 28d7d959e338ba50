import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { ApiError, ConnectionError, CStarClient, NotFoundError, ProtocolError, ServerError, TimeoutError } from '../../src/index.js';
import { json, problem, reset, TestServer, type Answering } from '../support/server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';
const EVENT = { type: 'boss.spawned', data: { id: '1', level: 3 } } as const;

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
afterEach(() => void vi.restoreAllMocks());

function clientOf(server: { url: string }, more = {}): CStarClient {
  return new CStarClient({ apiKey: 'csk_1', teamId: TEAM, baseUrl: server.url, ...more });
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );
}

test('a call says who is asking, and for what', async () => {
  await using server = await TestServer.start(json(201, { id: 'wh_1', secret: 'whsec_' }));
  const made = await clientOf(server).webhooks.create({ url: 'https://example.com', events: ['ticket.*'] });
  expect(made.secret).toBe('whsec_');
  const [seen] = server.seen;
  expect(seen).toMatchObject({
    method: 'POST',
    url: `/v1/teams/${TEAM}/webhooks`,
    body: '{"url":"https://example.com","events":["ticket.*"]}',
    headers: { authorization: 'Bearer csk_1', 'content-type': 'application/json', 'user-agent': expect.stringMatching(/^cstar-client-js\/\d/) },
  });
});

test('a change is made over the version that was read, and over no other', async () => {
  const read = json(200, { id: 'wh_1' }, { etag: '"3"' });
  await using server = await TestServer.start(read, problem(412, 'changed'), json(200, { id: 'wh_1' }));
  const { webhooks } = clientOf(server);
  const { value, etag } = await webhooks.getTagged('wh_1');
  expect([value.id, etag]).toEqual(['wh_1', '"3"']);
  expect(await failure(webhooks.update('wh_1', { enabled: false }, { ifMatch: etag }))).toMatchObject({ status: 412, code: 'changed' });
  await webhooks.update('wh_1', { enabled: false });
  expect(server.seen.map(({ headers }) => headers['if-match'])).toEqual([undefined, '"3"', undefined]);
});

describe('repeating', () => {
  const calls: Array<[string, (client: CStarClient) => Promise<unknown>, string[]]> = [
    ['a GET', (client) => client.webhooks.get('wh_1'), ['broken', '500', '503']],
    ['a publish', (client) => client.events.publish(EVENT), ['broken', '500', '503']],
    ['another POST', (client) => client.webhooks.create({ url: 'https://example.com', events: ['*'] }), []],
    ['a PATCH', (client) => client.webhooks.update('wh_1', { enabled: false }), []],
    ['a DELETE', (client) => client.webhooks.delete('wh_1'), []],
  ];
  const failures: Record<string, Answering> = {
    broken: reset,
    '500': problem(500, 'internal'),
    '503': problem(503, 'outcome_unknown'),
    '429': problem(429, 'rate_limited'),
    queue_full: problem(503, 'queue_full'),
  };
  const always = ['429', 'queue_full'];
  const cases = calls.flatMap(([name, call, harmless]) =>
    Object.keys(failures).map((kind) => ({ name, call, kind, repeated: always.includes(kind) || harmless.includes(kind) })),
  );

  test.each(cases)('$name that failed with $kind is repeated: $repeated', async ({ call, kind, repeated }) => {
    await using server = await TestServer.start(failures[kind]!, json(200, {}));
    const outcome = await call(clientOf(server)).then(
      () => 'done',
      () => 'failed',
    );
    expect([outcome, server.seen.length]).toEqual(repeated ? ['done', 2] : ['failed', 1]);
  });

  test('a POST to a server that is not there is repeated', async () => {
    const gone = await TestServer.start();
    await gone[Symbol.asyncDispose]();
    let tries = 0;
    const counting: typeof fetch = (...given) => {
      tries += 1;
      return fetch(...given);
    };
    const sent = clientOf(gone, { fetch: counting }).webhooks.test('wh_1');
    expect(await failure(sent)).toMatchObject({ name: 'ConnectionError', message: expect.stringContaining('ECONNREFUSED') });
    expect(tries).toBe(4);
  });

  test('a publish carries one idempotency key over all its tries', async () => {
    await using server = await TestServer.start(reset, json(201, {}));
    await clientOf(server).events.publish(EVENT);
    await clientOf(server).events.publish(EVENT, { idempotencyKey: 'mine' });
    const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).toBe('mine');
  });

  test('each event of a batch has a key of its own', async () => {
    await using server = await TestServer.start(json(201, {}));
    await clientOf(server).events.publishBatch([EVENT, { ...EVENT, idempotencyKey: 'mine' }]);
    const { events } = JSON.parse(server.seen[0]!.body) as { events: Array<{ idempotency_key: string }> };
    expect(events.map((event) => event.idempotency_key)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), 'mine']);
  });
});

describe('errors', () => {
  test('a refusal is told by status, code, request and fields', async () => {
    await using server = await TestServer.start(problem(404, 'not_found', { 'x-request-id': 'r-2' }));
    const error = await failure(clientOf(server).webhooks.get('wh_1'));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ name: 'NotFoundError', status: 404, code: 'not_found', requestId: 'r-2' });
    expect(String(error)).toBe('NotFoundError: not_found: what is wrong (request r-1)');
  });

  test("an answer that is a proxy's is told as one", async () => {
    await using server = await TestServer.start((response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<p>'));
    const error = await failure(clientOf(server).webhooks.create({ url: 'https://example.com', events: ['*'] }));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status: 502, code: undefined, message: expect.stringContaining("not cStar's") });
  });

  test('a key is not taken to where a redirect leads', async () => {
    await using elsewhere = await TestServer.start(json(200, {}));
    await using server = await TestServer.start((response) => response.writeHead(307, { location: elsewhere.url }).end());
    expect(await failure(clientOf(server).team.get())).toMatchObject({ status: 307, message: expect.stringContaining(elsewhere.url) });
    expect(elsewhere.seen).toEqual([]);
  });

  test('an answer that is no JSON', async () => {
    await using server = await TestServer.start((response) => response.end('<html>'));
    expect(await failure(clientOf(server).team.get())).toBeInstanceOf(ProtocolError);
  });

  test('an answer that does not come in time', async () => {
    await using server = await TestServer.start(() => {});
    const error = await failure(clientOf(server).webhooks.test('wh_1', {}, { timeoutMs: 20 }));
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test('an answer whose body stops in the middle', async () => {
    await using server = await TestServer.start((response) => response.writeHead(200, { 'content-length': '9' }).write('{"id"'));
    expect(await failure(clientOf(server).webhooks.test('wh_1', {}, { timeoutMs: 50 }))).toBeInstanceOf(TimeoutError);
    await using torn = await TestServer.start((response) => {
      response.writeHead(200, { 'content-length': '9' }).write('{"id"', () => response.socket?.resetAndDestroy());
    });
    expect(await failure(clientOf(torn).webhooks.test('wh_1'))).toBeInstanceOf(ConnectionError);
  });

  test('a call that its caller gives up', async () => {
    await using server = await TestServer.start(() => {});
    const controller = new AbortController();
    const call = clientOf(server).team.get({ signal: controller.signal });
    controller.abort();
    expect(await failure(call)).toMatchObject({ name: 'AbortError' });
  });

  test('T14: destroy ends the calls that are under way', async () => {
    await using server = await TestServer.start(() => {});
    const client = clientOf(server);
    const call = failure(client.team.get());
    await vi.waitUntil(() => server.seen.length === 1, { timeout: 20_000, interval: 2 });
    client.destroy();
    client.destroy();
    expect(await call).toMatchObject({ message: 'the client was destroyed' });
  });
});

test('however many calls are under way, a signal has one listener, and none when they are through', async () => {
  await using server = await TestServer.start(json(200, {}));
  const client = clientOf(server);
  const { signal } = new AbortController();
  const calls = Array.from({ length: 20 }, () => client.team.get({ signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await Promise.all(calls);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

describe('keys', () => {
  test('T13, T17: a function is asked once, and again for a key that was not taken', async () => {
    await using server = await TestServer.start(problem(401, 'token_expired'), json(200, {}));
    const keys = ['token-1', 'token-2', 'token-3'];
    const apiKey = vi.fn(async () => keys.shift()!);
    const client = clientOf(server, { apiKey });
    await client.team.get();
    await client.team.get();
    const sent = server.seen.map(({ headers }) => headers.authorization);
    expect(sent).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-2']);
    expect(apiKey).toHaveBeenCalledTimes(2);
  });

  test('T13: a second key that is not taken is told', async () => {
    await using server = await TestServer.start(problem(401, 'token_expired'));
    const client = clientOf(server, { apiKey: () => 'token' });
    expect(await failure(client.team.get())).toMatchObject({ name: 'AuthenticationError', status: 401 });
    expect(server.seen).toHaveLength(2);
  });

  test('calls that are refused together ask for one new key', async () => {
    const answer: Answering = (response, seen) =>
      (seen.headers.authorization === 'Bearer token-1' ? problem(401, 'token_expired') : json(200, {}))(response, seen);
    await using server = await TestServer.start(answer);
    let given = 0;
    const client = clientOf(server, { apiKey: async () => `token-${(given += 1)}` });
    await Promise.all([client.team.get(), client.team.get(), client.team.get()]);
    expect(given).toBe(2);
  });

  test('a function that fails is told, and asked anew', async () => {
    await using server = await TestServer.start(json(200, {}));
    const apiKey = vi.fn(async () => 'token').mockRejectedValueOnce(new Error('no network'));
    const client = clientOf(server, { apiKey });
    expect(await failure(client.team.get())).toMatchObject({ name: 'KeyError', message: 'the key could not be had: no network' });
    await client.team.get();
  });

  test.each(['', 'csk_a\r\nx: y', 'csk_a b', 'csk_ü'])('a key that no header can carry is refused: %j', (apiKey) => {
    expect(() => clientOf({ url: 'http://localhost' }, { apiKey })).toThrow(/holds a character that no key has/);
  });

  test('R1: a key that is not set is found at once', () => {
    expect(() => new CStarClient({ apiKey: undefined, teamId: TEAM })).toThrow(/CSTAR_KEY/);
  });
});

describe('addresses', () => {
  test.each(['localhost:7070', 'ftp://example.com', 'http://a:b@example.com', 'http://a/?x', 'http://a/#x', 'nothing'])(
    '%s is not the address of a server',
    (url) => expect(() => clientOf({ url })).toThrow(),
  );

  test('paths go below the server’s own, and what is given stays within its place', async () => {
    await using server = await TestServer.start(json(200, { data: [], has_more: false }));
    const client = clientOf({ url: `${server.url}/cstar/` });
    await client.eventTypes.get('a/../b?c');
    await client.deliveries.list({ types: ['ticket.*', '*.created'], since: new Date(0), webhook: 'x&y=z' }).page();
    expect(server.seen.map(({ url }) => url)).toEqual([
      '/cstar/v1/event-types/a%2F..%2Fb%3Fc',
      `/cstar/v1/teams/${TEAM}/deliveries?types=ticket.*%2C*.created&since=1970-01-01T00%3A00%3A00.000Z&webhook=x%26y%3Dz`,
    ]);
  });

  test.each(['', '.', '..'])('%j is no id', async (id) => {
    await expect(clientOf({ url: 'http://localhost' }).webhooks.get(id)).rejects.toThrow(/is no id/);
  });

  test('a call that needs a team says so', async () => {
    const client = clientOf({ url: 'http://localhost' }, { teamId: undefined });
    await expect(client.webhooks.get('wh_1')).rejects.toThrow(/no teamId/);
  });

  test('the environment says where the server is', async () => {
    await using server = await TestServer.start(json(200, {}));
    vi.stubEnv('CSTAR_URL', server.url);
    await new CStarClient({ apiKey: 'csk_1', teamId: TEAM }).team.get();
    vi.unstubAllEnvs();
    expect(server.seen).toHaveLength(1);
  });
});

describe('lists', () => {
  const pages: Answering[] = [
    json(200, { data: [{ id: 'wh_1' }, { id: 'wh_2' }], has_more: true, next: 'c1' }),
    json(200, { data: [], has_more: true, next: 'c2' }),
    json(200, { data: [{ id: 'wh_3' }], has_more: false, next: null }),
  ];

  test('rows come from all pages, and no page is asked for before it is wanted', async () => {
    await using server = await TestServer.start(...pages);
    const list = clientOf(server).webhooks.list({ limit: 2 });
    expect(server.seen).toHaveLength(0);
    const ids: string[] = [];
    for await (const { id } of list) {
      ids.push(id);
      if (id === 'wh_2') expect(server.seen).toHaveLength(1);
    }
    expect(ids).toEqual(['wh_1', 'wh_2', 'wh_3']);
    expect(server.seen.map(({ url }) => url.split('?')[1])).toEqual(['limit=2', 'limit=2&after=c1', 'limit=2&after=c2']);
  });

  test('one page, or page by page', async () => {
    await using server = await TestServer.start(...pages);
    const { data, next } = await clientOf(server).webhooks.list().page();
    expect([data.length, next]).toEqual([2, 'c1']);
    await using again = await TestServer.start(...pages);
    const sizes: number[] = [];
    for await (const page of clientOf(again).webhooks.list().pages()) sizes.push(page.data.length);
    expect(sizes).toEqual([2, 0, 1]);
  });

  test('a list that does not go on is an error, and no loop', async () => {
    await using server = await TestServer.start(json(200, { data: [], has_more: true, next: 'c1' }));
    const all = (async () => {
      for await (const _ of clientOf(server).webhooks.list());
    })();
    expect(await failure(all)).toBeInstanceOf(ProtocolError);
    expect(server.seen).toHaveLength(2);
  });
});
