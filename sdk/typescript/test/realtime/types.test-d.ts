import { describe, expectTypeOf, test } from 'vitest';

import { CStarClient, type CatalogEvents, type Envelope, type RealtimeEvent } from '../../src/index.js';

const cstar = new CStarClient({ apiKey: 'csk_1', teamId: 't' });
const { realtime } = cstar;

describe('handlers', () => {
  test('R9, R11, T9: one type has its data, flat and under its resource', () => {
    realtime.on('ticket.created', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'ticket.created'>();
      expectTypeOf(event.data.title).toBeString();
      expectTypeOf(event.data.ticket.id).toBeString();
      // @ts-expect-error a slip
      void event.data.titel;
    });
    realtime.on('player.level_up', ({ data }) => expectTypeOf(data.level).toBeUnknown());
    realtime.on('ticket.message_added', ({ data }) => expectTypeOf(data.ticket).toEqualTypeOf<Record<string, unknown>>());
  });

  test('R10, T18: a wildcard narrows to the union of its types', () => {
    realtime.on('ticket.*', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'ticket.created' | 'ticket.updated' | 'ticket.closed' | 'ticket.message_added'>();
      void event.data.ticket.id;
      if (event.type === 'ticket.created') expectTypeOf(event.data.priority).toBeString();
    });
    realtime.on('*.created', ({ type }) =>
      expectTypeOf(type).toEqualTypeOf<'ticket.created' | 'customer.created' | 'article.created'>(),
    );
    realtime.on('*', ({ type }) => expectTypeOf(type).toEqualTypeOf<keyof CatalogEvents>());
    realtime.onAny(({ type }) => expectTypeOf(type).toEqualTypeOf<keyof CatalogEvents>());
  });

  test('T18: a slip in a pattern is found, and one that is known at run time alone is taken', () => {
    // @ts-expect-error a slip
    realtime.on('ticket.craeted', () => {});
    // @ts-expect-error a resource that there is not
    realtime.on('invoice.*', () => {});
    const pattern: string = 'invoice.*';
    realtime.on(pattern, (event) => expectTypeOf(event).toEqualTypeOf<Envelope>());
  });
});

test('an iteration narrows to its types', async () => {
  for await (const event of realtime.events({ types: ['boss.*', 'ticket.closed'] })) {
    expectTypeOf(event.type).toEqualTypeOf<'boss.spawned' | 'boss.defeated' | 'ticket.closed'>();
  }
  for await (const { type } of realtime.events()) expectTypeOf(type).toEqualTypeOf<keyof CatalogEvents>();
});

describe('a map of one’s own', () => {
  interface Own extends CatalogEvents {
    'invoice.paid': { id: string; cents: number };
  }

  test('adds types', () => {
    const own = new CStarClient<Own>({ apiKey: 'csk_1', teamId: 't' });
    own.realtime.on('invoice.*', ({ data }) => expectTypeOf(data.invoice.cents).toBeNumber());
    void own.events.publish({ type: 'invoice.paid', data: { id: '1', cents: 5 } });
    expectTypeOf<RealtimeEvent<Own, 'invoice.paid'>['type']>().toEqualTypeOf<'invoice.paid'>();
  });

  test('may name none', () => {
    const any = new CStarClient<Record<string, Record<string, unknown>>>({ apiKey: 'csk_1', teamId: 't' });
    any.realtime.on('what.ever', (event) => expectTypeOf(event).toEqualTypeOf<Envelope>());
    const type: string = 'what.ever';
    void any.events.publish({ type, data: { id: '1' } });
  });
});

test('what is published is checked, and may have more than its type says', () => {
  void cstar.events.publish({ type: 'boss.spawned', data: { id: '1', level: 3, anything: true } });
  // @ts-expect-error no title
  void cstar.events.publish({ type: 'ticket.created', data: { id: '1', status: 'new', priority: 'low' } });
  // @ts-expect-error no such type
  void cstar.events.publish({ type: 'boss.spwaned', data: { id: '1' } });
  expectTypeOf(cstar.events.publish({ type: 'boss.spawned', data: { id: '1' } })).resolves.toHaveProperty('type').toEqualTypeOf<'boss.spawned'>();
});
