// How a stream is set up, and what is wrong with that.
import { afterEach, expect, test, vi } from 'vitest';

import { CStarError, Realtime, type RealtimeError } from '../../src/realtime.js';
import { block } from '../support/scenario.js';
import { StreamServer } from '../support/stream-server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';
const END = block('cstar.end', undefined, {});
const begun: Realtime[] = [];

afterEach(() => {
  for (const realtime of begun.splice(0)) realtime.destroy();
  vi.restoreAllMocks();
});

function realtimeOf(options: Partial<ConstructorParameters<typeof Realtime>[0]>): Realtime {
  const realtime = new Realtime({ apiKey: 'cst_1', teamId: TEAM, ...options });
  begun.push(realtime);
  return realtime;
}

for (const teamId of [undefined, '', '..']) {
  test(`T11: that ${JSON.stringify(teamId)} is no team is said where a stream is begun, and not before`, () => {
    const realtime = realtimeOf({ teamId });
    realtime.onError(() => {});
    const refused = [CStarError, /^no teamId: |is no id$/] as const;
    for (const begin of [
      () => realtime.onAny(() => {}),
      () => realtime.on('ticket.*', () => {}),
      () => realtime.onConnectionChange(() => {}),
      () => realtime.events(),
    ]) {
      for (const expected of refused) expect(begin).toThrow(expected);
    }
  });
}

test('T13: a source that fails is told as the end of the stream', async () => {
  async function* broken(): AsyncGenerator<never, void, undefined> {
    throw new TypeError('data is not iterable');
  }
  const realtime = realtimeOf({ share: () => ({ cursor: undefined, told: broken }) });
  const errors: RealtimeError[] = [];
  realtime.onError((error) => errors.push(error));
  realtime.onAny(() => {});
  await vi.waitUntil(() => errors.length > 0, { timeout: 5000, interval: 2 });
  expect(errors).toMatchObject([{ willRetry: false, message: 'data is not iterable; the stream has ended', cause: new TypeError('data is not iterable') }]);
  expect(realtime.connected).toBe(false);
});

for (const { client, own, asked } of [
  { client: undefined, own: undefined, asked: undefined },
  { client: ['ticket.*'], own: undefined, asked: 'ticket.*' },
  { client: ['ticket.*'], own: ['boss.*'], asked: 'boss.*' },
  { client: ['ticket.*'], own: ['*'], asked: '*' },
  { client: undefined, own: ['boss.*'], asked: 'boss.*' },
] as const) {
  test(`R22, R24, T10: a loop with types ${own} of a client with types ${client} asks for ${asked}`, async () => {
    await using server = await StreamServer.start((connection) => connection.stand('1.40').write(END).end());
    for await (const _ of realtimeOf({ baseUrl: server.url, types: client }).events({ types: own, untilHead: true }));
    expect(new URL(server.connections[0]!.url, server.url).searchParams.get('types') ?? undefined).toBe(asked);
  });
}
