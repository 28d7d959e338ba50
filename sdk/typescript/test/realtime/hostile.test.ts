// The client over real HTTP against a server that does all that servers, proxies and networks do.
import { getEventListeners, once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { CStarClient, type RealtimeError } from '../../src/index.js';
import { MemoryServer } from '../support/memory.js';
import { block, event, ready, type Answer } from '../support/scenario.js';
import { StreamServer, type StreamConnection } from '../support/stream-server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';
const clients: CStarClient[] = [];

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function clientOf(server: { url: string }, more: Partial<ConstructorParameters<typeof CStarClient>[0]> = {}): CStarClient {
  const client = new CStarClient({ apiKey: 'csk_1', teamId: TEAM, baseUrl: server.url, ...more });
  clients.push(client);
  return client;
}

const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000, interval: 2 });
const positions = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => `1.${first + index}`);
const END = block('cstar.end', undefined, {});

/** Everything up to the head, and the failed tries on the way. */
async function readAll({ realtime }: CStarClient, lastEventId?: string): Promise<{ seen: string[]; errors: RealtimeError[] }> {
  const errors: RealtimeError[] = [];
  const off = realtime.onError((error) => errors.push(error));
  const seen: string[] = [];
  for await (const { id } of realtime.events({ untilHead: true, lastEventId })) seen.push(`1.${Number(id.slice(4))}`);
  off();
  return { seen, errors };
}

/** A server of bare TCP, which answers with the bytes of each connection and then does as that says. */
async function bareServer(...answers: Array<(socket: Socket) => unknown>): Promise<AsyncDisposable & { url: string; count: () => number }> {
  const sockets = new Set<Socket>();
  let served = 0;
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', () => answers[Math.min(served++, answers.length - 1)]!(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => served,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

describe('R4, R6, T13: connections that break', () => {
  const phases: Array<[string, string]> = [
    ['before a byte of the answer', ''],
    ['in the status line', 'HTTP/1.1 20'],
    ['in the headers', 'HTTP/1.1 200 OK\r\ncontent-type: text/ev'],
    ['after the head', HEAD],
    ['in `cstar.ready`', HEAD + ready('1.40').slice(0, 30)],
    ['after `cstar.ready`', HEAD + ready('1.40')],
    ['in an event', HEAD + ready('1.40') + event('1.41').slice(0, 60)],
    ['in front of the line that ends an event', HEAD + ready('1.40') + event('1.41').slice(0, -1)],
  ];
  const all = (socket: Socket) => socket.end(HEAD + ready('1.40') + positions(41, 45).map(event).join('') + END);

  test.each(phases)('a reset %s costs nothing', async (_, bytes) => {
    await using server = await bareServer((socket) => {
      if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 5));
    }, all);
    const { seen, errors } = await readAll(clientOf(server), '1.40');
    expect(seen).toEqual(positions(41, 45));
    expect(errors).toMatchObject([{ attempt: 1, willRetry: true }]);
  });

  test('an answer that is no HTTP, and one whose chunks are cut short', async () => {
    const chunked = HEAD.replace('connection: close', 'transfer-encoding: chunked');
    const bad = (text: string) => (socket: Socket) => socket.end(text);
    await using server = await bareServer(bad('SSH-2.0-OpenSSH\r\n'), bad(`${chunked}zz\r\n`), bad(`${chunked}fff\r\nid: 1.4`), all);
    const { seen, errors } = await readAll(clientOf(server), '1.40');
    expect(seen).toEqual(positions(41, 45));
    expect(errors.map(({ willRetry }) => willRetry)).toEqual([true, true, true]);
  });

  test('R2, T16: a stream is read alike wherever it is split', async () => {
    const text = ready('1.40') + event('1.41') + block('cstar.heartbeat', '1.42', {}) + event('1.43') + END;
    const bytes = new TextEncoder().encode(text.replaceAll('"id":"41"', '"id":"Grüße 👋"').replaceAll('\n', '\r\n'));
    let at = 0;
    await using server = await StreamServer.start((connection) => {
      const split = at;
      connection.write(bytes.slice(0, split));
      setImmediate(() => connection.write(bytes.slice(split)).end());
    });
    const client = clientOf(server);
    for (at = 1; at < bytes.length; at += 1) {
      const seen: unknown[] = [];
      for await (const { data } of client.realtime.events({ types: ['ticket.created'], untilHead: true, lastEventId: '1.40' })) seen.push(data.id);
      expect(seen, `split at ${at}`).toEqual(['Grüße 👋', '43']);
    }
    expect(server.connections).toHaveLength(bytes.length - 1);
  });
});

describe('T13: answers that are no stream', () => {
  test.each([
    { status: 204, retried: false },
    { status: 301, retried: false },
    { status: 304, retried: false },
    { status: 400, retried: false },
    { status: 404, retried: false },
    { status: 408, retried: true },
    { status: 409, retried: true },
    { status: 425, retried: true },
    { status: 429, retried: true },
    { status: 500, retried: true },
    { status: 503, retried: true },
  ])('$status is tried again: $retried', async ({ status, retried }) => {
    await using server = await StreamServer.start((connection, index) => {
      if (index === 0) connection.refuse(status, status === 301 ? { location: '/elsewhere' } : {});
      else connection.stand('1.40').write(END).end();
    });
    const client = clientOf(server);
    const errors: RealtimeError[] = [];
    client.realtime.onError((error) => errors.push(error));
    const outcome = await readAll(client).then(
      () => 'read',
      (error: unknown) => error,
    );
    if (retried) expect(outcome).toBe('read');
    else expect(outcome).toMatchObject({ name: 'RealtimeError', status, willRetry: false });
    expect(errors).toContainEqual(expect.objectContaining({ status, attempt: 1, willRetry: retried }));
  });

  test('a page in place of a stream is tried again', async () => {
    await using server = await StreamServer.start((connection, index) => {
      if (index === 0) connection.refuse(200, { 'content-type': 'text/html' });
      else connection.stand('1.40').write(END).end();
    });
    const { errors } = await readAll(clientOf(server));
    expect(errors).toMatchObject([{ message: expect.stringContaining('no stream'), willRetry: true, status: undefined }]);
  });

  test('Retry-After is waited for', async () => {
    await using server = await StreamServer.start((connection, index) => {
      if (index < 2) connection.refuse(index === 0 ? 429 : 503, { 'retry-after': '1' });
      else connection.stand('1.40').write(END).end();
    });
    const begun = performance.now();
    const { errors } = await readAll(clientOf(server));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1990);
    expect(errors.map(({ retryInMs }) => retryInMs)).toEqual([1000, 1000]);
  });

  test('a 401 asks for another key once, and the second in a row is the end', async () => {
    await using server = await StreamServer.start((connection) => connection.refuse(401));
    const apiKey = vi.fn(async () => 'cst_1');
    await expect(readAll(clientOf(server, { apiKey }))).rejects.toMatchObject({ status: 401, willRetry: false });
    expect(apiKey).toHaveBeenCalledTimes(2);
  });
});

describe('streams that do not do as they should', () => {
  test('T16: a line of ten megabytes is left, and what comes after it on another connection is shown', async () => {
    const line = 'x'.repeat(64 * 1024);
    await using server = await StreamServer.start(async (connection, index) => {
      connection.stand('1.40', '1.41');
      if (index > 0) return connection.send('1.42').write(END).end();
      connection.write('data: ');
      for (let sent = 0; sent < 160 && !connection.closed; sent += 1) {
        connection.write(line);
        await new Promise(setImmediate);
      }
    });
    const { seen, errors } = await readAll(clientOf(server), '1.40');
    expect(seen).toEqual(positions(41, 42));
    expect(errors).toMatchObject([{ message: expect.stringContaining('1048576 characters') }]);
  });

  test('R4: a stream that says nothing for two and a half heartbeats is left', async () => {
    await using server = await StreamServer.start((connection, index) => {
      connection.write(ready('1.40', { heartbeatMs: 40 }) + event('1.41'));
      if (index > 0) connection.write(END).end();
    });
    const begun = performance.now();
    const { seen, errors } = await readAll(clientOf(server), '1.40');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(99);
    expect(seen).toEqual(['1.41']);
    expect(errors).toMatchObject([{ message: 'nothing came for 0.1 s, not even a heartbeat' }]);
    await until(() => server.connections[0]!.closed);
  });
});

describe('an iteration', () => {
  test('holds the server back while its reader is busy, and loses nothing', async () => {
    let stream!: StreamConnection;
    await using server = await StreamServer.start((connection) => void (stream = connection.stand('1.0')));
    const events = clientOf(server).realtime.events({ lastEventId: '1.0' });
    const first = events.next();
    await server.connection(0);
    let sent = 0;
    const filling = `"filling":"${'x'.repeat(10_000)}"`;
    // What the kernel buffers is no concern of the client's: until it takes no more, for a while.
    for (let standing = 0; standing < 20; standing = stream.isHeldBack ? standing + 1 : 0) {
      if (!stream.isHeldBack) stream.write(event(`1.${(sent += 1)}`).replace('"data":{', `"data":{${filling},`));
      else await new Promise((resolve) => setTimeout(resolve, 5));
      expect(sent).toBeLessThan(20_000);
    }
    expect((await first).value).toMatchObject({ data: { id: '1' } });
    for (let next = 2; next <= sent; next += 1) expect((await events.next()).value).toMatchObject({ data: { id: String(next) } });
    await events.return!();
    await until(() => stream.closed);
  });

  test('ends with its signal, with return while it waits, and with the client', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const client = clientOf(server);
    const controller = new AbortController();
    const bySignal = client.realtime.events({ signal: controller.signal });
    const byReturn = client.realtime.events();
    const byClient = client.realtime.events();
    const waiting = [bySignal, byReturn, byClient].map((events) => events.next());
    await server.connection(2);
    controller.abort();
    expect(await waiting[0]).toEqual({ done: true, value: undefined });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    await byReturn.return!();
    expect(await waiting[1]).toEqual({ done: true, value: undefined });
    client.destroy();
    expect(await waiting[2]).toEqual({ done: true, value: undefined });
    await until(() => server.connections.every(({ closed }) => closed));
  });

  test('leaves its connection when its reader breaks out of it', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40', '1.41', '1.42'));
    for await (const { id } of clientOf(server).realtime.events()) {
      expect(id).toMatch(/41$/);
      break;
    }
    await until(() => server.connections[0]!.closed);
  });

  test('R22, T10: scopes its own stream', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40').write(END).end());
    const { realtime } = clientOf(server, { types: ['boss.*'] });
    for await (const _ of realtime.events({ types: ['ticket.*'], untilHead: true }));
    expect(decodeURIComponent(server.connections[0]!.url.split('?')[1]!)).toBe('types=ticket.*&until=head');
  });
});

describe('T14: nothing is left', () => {
  test('of many streams that were opened, broken and destroyed', async () => {
    await using server = await StreamServer.start((connection, index) => {
      if (index % 3 === 0) connection.refuse(503);
      else if (index % 3 === 1) connection.stand('1.40').reset();
      else connection.stand('1.40');
    });
    const controller = new AbortController();
    for (let round = 0; round < 20; round += 1) {
      const client = clientOf(server);
      const off = client.realtime.onAny(() => {});
      const iterating = client.realtime.events({ signal: controller.signal }).next();
      await until(() => client.realtime.connected);
      off();
      client.destroy();
      await iterating;
    }
    await until(() => server.connections.every(({ closed }) => closed));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('no timer, whether the stream stands, is opened or waits', async () => {
    vi.useFakeTimers();
    const opened: Answer = { sends: [{ ready: '1.40' }], then: 'stay' };
    const hangs: typeof fetch = (_, init) =>
      new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error)));
    const fetches = [new MemoryServer([opened]).fetch, new MemoryServer([{ status: 503, headers: { 'retry-after': '60' } }]).fetch, hangs];
    for (const fetch of fetches) {
      const client = clientOf({ url: 'http://cstar' }, { fetch });
      client.realtime.onAny(() => {});
      await vi.advanceTimersByTimeAsync(100);
      expect(vi.getTimerCount()).toBe(1);
      client.destroy();
      await vi.advanceTimersByTimeAsync(0);
      expect(vi.getTimerCount()).toBe(0);
    }
  });
});
