import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { CStarClient, type CStarError, type RealtimeError } from '../../src/index.js';
import { block } from '../support/scenario.js';
import { StreamServer } from '../support/stream-server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';
const clients: CStarClient[] = [];

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  vi.restoreAllMocks();
});

function clientOf(server: { url: string }, more: Partial<ConstructorParameters<typeof CStarClient>[0]> = {}): CStarClient {
  const client = new CStarClient({ apiKey: 'csk_1', teamId: TEAM, baseUrl: server.url, ...more });
  clients.push(client);
  return client;
}

const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000, interval: 2 });

/** A stream opens after microtasks alone, so whatever was to be asked for was asked for before the next turn of the loop. */
async function opensNothing(fetched: { mock: { calls: unknown[] } }): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  expect(fetched.mock.calls).toEqual([]);
}

let seq = 40;
/** An event of this type at the next place. */
function published(type: string, data: unknown = { id: '1' }): string {
  seq += 1;
  const envelope = { id: `evt_${seq}`, type, team_id: TEAM, created_at: '2025-12-10T14:30:00Z', data };
  return `id: 1.${seq}\ndata: ${JSON.stringify(envelope)}\n\n`;
}
beforeEach(() => void (seq = 40));

describe('handlers', () => {
  test('R8, R10, R11, R15, T15: each is called for what it wants, in the order of registration', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const told: string[] = [];
    realtime.on('ticket.*', ({ type, data }) => told.push(`ticket.* ${type} ${String(data.ticket.id)}`));
    realtime.onAny(({ type }) => told.push(`any ${type}`));
    realtime.on('ticket.created', ({ type }) => told.push(`ticket.created ${type}`));
    realtime.on('*.created', ({ type }) => told.push(`*.created ${type}`));
    const stream = await server.connection(0);
    stream.write(published('ticket.created') + published('boss.spawned') + published('ticket.updated'));
    await until(() => realtime.lastEventId === '1.43');
    expect(told).toEqual([
      'ticket.* ticket.created 1',
      'any ticket.created',
      'ticket.created ticket.created',
      '*.created ticket.created',
      'any boss.spawned',
      'ticket.* ticket.updated 1',
      'any ticket.updated',
    ]);
  });

  test('R12, R13, R14, R16: each function that comes back stops its own handler alone', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const told: string[] = [];
    const same = () => told.push('same');
    const offs = [realtime.on('ticket.created', same), realtime.on('ticket.created', same), realtime.onAny(() => told.push('any'))];
    const stream = await server.connection(0);
    offs[0]!();
    offs[0]!();
    stream.write(published('ticket.created'));
    await until(() => realtime.lastEventId === '1.41');
    offs[2]!();
    stream.write(published('ticket.created'));
    await until(() => realtime.lastEventId === '1.42');
    expect(told).toEqual(['same', 'any', 'same']);
  });

  test('R14: what a handler registers or tears down counts from the next one on', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const told: string[] = [];
    realtime.onAny(() => {
      told.push('first');
      off();
      if (told.length === 1) realtime.onAny(() => told.push('new'));
    });
    const off = realtime.onAny(() => told.push('torn down'));
    (await server.connection(0)).write(published('ticket.created') + published('ticket.created'));
    await until(() => realtime.lastEventId === '1.42');
    expect(told).toEqual(['first', 'first', 'new']);
  });

  test('R9, T9: data is flat and under the name of the resource, and nothing is written over', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const seen: unknown[] = [];
    realtime.on('ticket.created', ({ data }) => seen.push(data.id, data.ticket.id));
    realtime.on('ticket.message_added', ({ data }) => seen.push(data));
    const both = { ticket: { id: '7' }, message: { id: '8' } };
    (await server.connection(0)).write(published('ticket.created') + published('ticket.message_added', both));
    await until(() => realtime.lastEventId === '1.42');
    expect(seen).toEqual(['1', '1', both]);
  });

  test('T9: no name of a resource or of a field reaches a prototype', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const seen: Array<Record<string, unknown>> = [];
    realtime.onAny(({ data }) => seen.push(data as Record<string, unknown>));
    const hostile = published('constructor.created', { id: '1' }) + `id: 1.42\ndata: {"id":"evt_2","type":"ticket.created","team_id":"t","created_at":"c","data":{"__proto__":{"polluted":true},"id":"2"}}\n\n`;
    (await server.connection(0)).write(hostile);
    await until(() => realtime.lastEventId === '1.42');
    expect(Object.hasOwn(seen[0]!, 'constructor')).toBe(true);
    expect(seen[0]!['constructor']).toEqual({ id: '1' });
    for (const data of [...seen, seen[1]!['ticket'] as Record<string, unknown>]) {
      expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
      expect(data['polluted']).toBeUndefined();
    }
    expect(Object.hasOwn(seen[1]!, '__proto__')).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('T13: a handler that throws or rejects harms no other, and not the stream', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const errors: RealtimeError[] = [];
    const told: string[] = [];
    realtime.onAny(() => {
      throw new Error('thrown');
    });
    realtime.onAny(async () => {
      throw new Error('rejected');
    });
    realtime.onAny(() => told.push('called'));
    realtime.onError((error) => errors.push(error));
    realtime.onError(() => {
      throw new Error('of the handler of errors');
    });
    const complained = vi.spyOn(console, 'error').mockReturnValue();
    (await server.connection(0)).write(published('ticket.created') + published('ticket.created'));
    await until(() => errors.length === 4);
    expect(told).toEqual(['called', 'called']);
    expect(errors.map(({ message }) => message).sort()).toEqual([
      'a handler threw: rejected',
      'a handler threw: rejected',
      'a handler threw: thrown',
      'a handler threw: thrown',
    ]);
    expect(errors[0]).toMatchObject({ code: 'handler_threw', willRetry: true, attempt: 0, cause: new Error('thrown') });
    expect(complained).toHaveBeenCalledTimes(4);
    expect(realtime.connected).toBe(true);
  });

  test('what a handler throws and nobody listens for is not lost', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const complained = vi.spyOn(console, 'error').mockReturnValue();
    clientOf(server).realtime.onAny(() => {
      throw new Error('thrown');
    });
    (await server.connection(0)).write(published('ticket.created'));
    await until(() => complained.mock.calls.length === 1);
    expect(complained.mock.calls[0]![1]).toMatchObject({ message: 'a handler threw: thrown', cause: new Error('thrown') });
  });

  test('T18: what is no pattern is refused at once, and opens nothing', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    await using server = await StreamServer.start();
    const { realtime } = clientOf(server);
    for (const pattern of ['ticket', '*.*', 'Ticket.created', '']) {
      expect(() => realtime.on(pattern as string, () => {})).toThrow(/is no pattern/);
    }
    await opensNothing(fetched);
  });
});

describe('the life of a stream', () => {
  test('T11: a listener for errors or gaps alone, or `connected`, opens none', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    await using server = await StreamServer.start();
    const { realtime } = clientOf(server);
    realtime.onError(() => {});
    realtime.onGap(() => {});
    expect(realtime.connected).toBe(false);
    await opensNothing(fetched);
  });

  test('R1, R2, R26, T11: it opens a microtask after the first handler, and one stream serves all of them', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const fetching = vi.fn(fetch);
    const { realtime } = clientOf(server, { fetch: fetching });
    expect(realtime.connected).toBe(false);
    expect(realtime.lastEventId).toBeUndefined();
    await Promise.resolve();
    expect(fetching).not.toHaveBeenCalled();
    const off = realtime.onAny(() => {});
    realtime.on('ticket.*', () => {});
    expect(fetching).not.toHaveBeenCalled();
    await until(() => realtime.connected);
    off();
    expect(server.connections).toHaveLength(1);
    expect(server.connections[0]).toMatchObject({ closed: false, url: `/v1/teams/${TEAM}/realtime` });
  });

  test('R17, R18, R20, T12: changes are told, and a late listener is told once', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const early: boolean[] = [];
    const late: boolean[] = [];
    realtime.onConnectionChange((connected) => early.push(connected));
    await until(() => realtime.connected);
    const off = realtime.onConnectionChange((connected) => late.push(connected));
    realtime.onConnectionChange(() => expect.unreachable('it was torn down'))();
    expect(late).toEqual([]);
    await Promise.resolve();
    expect(late).toEqual([true]);
    (await server.connection(0)).reset();
    await until(() => early.length === 3);
    expect([early, late]).toEqual([
      [true, false, true],
      [true, false, true],
    ]);
    off();
    (await server.connection(1)).reset();
    await until(() => early.length === 5);
    expect(late).toHaveLength(3);
  });

  test('R19, T12, T13: a failed try is told once, with what becomes of it', async () => {
    await using server = await StreamServer.start((connection, index) => {
      if (index === 0) connection.refuse(503, { 'retry-after': '0' });
      else if (index === 1) connection.stand('1.40').end();
      else connection.refuse(403);
    });
    const { realtime } = clientOf(server);
    const errors: RealtimeError[] = [];
    realtime.onAny(() => {});
    realtime.onError((error) => errors.push(error));
    realtime.onError(() => expect.unreachable('it was torn down'))();
    await until(() => errors.length === 3);
    expect(errors).toMatchObject([
      { name: 'RealtimeError', status: 503, attempt: 1, willRetry: true, retryInMs: 0 },
      { status: undefined, attempt: 1, willRetry: true, retryInMs: 0, message: 'the stream was closed' },
      { status: 403, attempt: 2, willRetry: false, retryInMs: undefined, cause: { name: 'ApiError', status: 403 } },
    ]);
  });

  test('T13: the end of a stream that nobody listens for is not silent', async () => {
    await using server = await StreamServer.start((connection) => connection.refuse(403));
    const complained = vi.spyOn(console, 'error').mockReturnValue();
    clientOf(server).realtime.onAny(() => {});
    await until(() => complained.mock.calls.length === 1);
    expect(complained.mock.calls[0]![1]).toMatchObject({ message: expect.stringContaining('the stream has ended'), status: 403 });
  });

  test('T16: a gap is told, or is a warning where nobody listens', async () => {
    const gap = { from: '1.40', to: '1.45', reason: 'expired' };
    await using server = await StreamServer.start((connection) => connection.stand('1.40').write(block('cstar.gap', '1.45', gap)));
    const warned = vi.spyOn(console, 'warn').mockReturnValue();
    clientOf(server).realtime.onAny(() => {});
    await until(() => warned.mock.calls.length === 1);
    const gaps: unknown[] = [];
    const { realtime } = clientOf(server);
    realtime.onAny(() => {});
    realtime.onGap((one) => gaps.push(one));
    await until(() => gaps.length === 1);
    expect(gaps).toEqual([gap]);
    expect(warned).toHaveBeenCalledTimes(1);
  });

  test('R21, T14: destroy ends it, says so once, and is for good', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const client = clientOf(server);
    const told: boolean[] = [];
    client.realtime.onConnectionChange((connected) => told.push(connected));
    client.realtime.onError(() => expect.unreachable('to be destroyed is no failure'));
    await until(() => client.realtime.connected);
    client.destroy();
    expect([told, client.realtime.connected]).toEqual([[true, false], false]);
    client.destroy();
    const stream = await server.connection(0);
    await until(() => stream.closed);
    expect(told).toEqual([true, false]);
    expect(() => client.realtime.onAny(() => {})).toThrow('the client was destroyed');
    expect(() => client.realtime.events()).toThrow('the client was destroyed');
    expect(server.connections).toHaveLength(1);
  });

  test('T14: a handler may destroy the client it is called by', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const client = clientOf(server);
    const told: string[] = [];
    client.realtime.onAny(({ id }) => {
      told.push(id);
      client.destroy();
    });
    client.realtime.onAny(() => expect.unreachable('everything was torn down'));
    (await server.connection(0)).write(published('ticket.created') + published('ticket.created'));
    const stream = await server.connection(0);
    await until(() => stream.closed);
    expect(told).toEqual(['evt_41']);
  });

  test('T14: destroyed while it is being opened, or before, it opens nothing', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    await using server = await StreamServer.start();
    const client = clientOf(server);
    client.realtime.onAny(() => {});
    client.destroy();
    await opensNothing(fetched);
    const opening = clientOf(server);
    opening.realtime.onAny(() => {});
    const connection = await server.connection(0);
    opening.destroy();
    await until(() => connection.closed);
  });
});

describe('which events', () => {
  test('R22, R24, T10: types go to the server', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    clientOf(server, { types: ['ticket.*', '*.created'] }).realtime.on('ticket.created', () => {});
    const { url } = await server.connection(0);
    expect(decodeURIComponent(url.split('?')[1]!)).toBe('types=ticket.*,*.created');
  });

  test('R23, R25, T10: without types everything comes, and only the handlers that want it are called', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const { realtime } = clientOf(server);
    const told: string[] = [];
    realtime.on('ticket.created', ({ id }) => told.push(id));
    const stream = await server.connection(0);
    expect(stream.url).not.toContain('?');
    stream.write(published('boss.spawned') + published('ticket.created') + published('ticket.updated'));
    await until(() => realtime.lastEventId === '1.43');
    expect(told).toEqual(['evt_42']);
  });

  test('R6, T16: a client that was told where it stopped goes on there', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.17', '1.18'));
    const { realtime } = clientOf(server, { lastEventId: '1.17' });
    expect(realtime.lastEventId).toBe('1.17');
    const seen: Array<string | undefined> = [];
    realtime.onAny(() => seen.push(realtime.lastEventId));
    expect((await server.connection(0)).headers['last-event-id']).toBe('1.17');
    await until(() => seen.length === 1);
    expect(seen).toEqual(['1.18']);
  });
});

describe('T17: keys', () => {
  test('a token comes from a function, and another one when it has expired', async () => {
    await using server = await StreamServer.start((connection, index) => {
      connection.stand('1.40');
      if (index === 0) connection.write(block('cstar.unauthorized', undefined, { code: 'token_expired' }));
    });
    let given = 0;
    const { realtime } = clientOf(server, { apiKey: async () => `cst_${(given += 1)}` });
    const errors: CStarError[] = [];
    realtime.onAny(() => {});
    realtime.onError((error) => errors.push(error));
    const second = await server.connection(1);
    expect(second.headers.authorization).toBe('Bearer cst_2');
    expect(errors).toMatchObject([{ code: 'token_expired', willRetry: true, retryInMs: 0 }]);
  });

  test('a function that fails is asked again later', async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40'));
    const apiKey = vi.fn(async () => 'cst_1').mockRejectedValueOnce(new Error('offline'));
    const { realtime } = clientOf(server, { apiKey });
    const errors: RealtimeError[] = [];
    realtime.onAny(() => {});
    realtime.onError((error) => errors.push(error));
    await until(() => realtime.connected);
    expect(errors).toMatchObject([{ message: 'the key could not be had: offline', willRetry: true }]);
  });
});
