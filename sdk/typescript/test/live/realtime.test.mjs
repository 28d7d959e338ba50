// What `cstar.realtime` promises beyond what the documentation shows, against the real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { clientOf } from './clients.mjs';
import { freePort, openStreams, publish, Server, streamsOf, waitFor } from './scene.mjs';

let server;

before(async () => {
  server = await Server.start();
});

after(() => server?.stop());

/** A client that is destroyed with its test. */
function client(t, team, options) {
  const cstar = clientOf(team, options);
  t.after(() => cstar.destroy());
  return cstar;
}

/** A list that `push` is a handler of. */
function collected() {
  const list = [];
  return Object.assign(list, { take: (value) => void list.push(value) });
}

const types = (events) => events.map(({ type }) => type);

/** `fetch`, and all that came through it, as text. */
function tapped() {
  const tap = { wire: '', requests: 0 };
  tap.fetch = async (...request) => {
    tap.requests += 1;
    const response = await fetch(...request);
    const decoder = new TextDecoder();
    const reading = new TransformStream({
      transform(chunk, controller) {
        tap.wire += decoder.decode(chunk, { stream: true });
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(reading), response);
  };
  return tap;
}

test('T11: nothing goes over the network before a handler is registered, and one microtask later it does', async (t) => {
  const team = await server.team('quiet');
  const tap = tapped();
  const cstar = client(t, team, { fetch: tap.fetch });
  assert.equal(cstar.realtime.connected, false);
  await new Promise(setImmediate);
  assert.equal(tap.requests, 0);
  const off = cstar.realtime.on('ticket.created', () => {});
  off();
  assert.equal(tap.requests, 0);
  await new Promise(setImmediate);
  assert.equal(tap.requests, 1);
  await streamsOf(team, 1);
  await waitFor('connected', () => cstar.realtime.connected);
});

test('R7, R22, R24, T10: types cut the wire, and handlers do not', async (t) => {
  const team = await server.team('narrow');
  const [narrow, wide] = [tapped(), tapped()];
  const seen = collected();
  const scoped = client(t, team, { types: ['boss.*', '*.submitted'], fetch: narrow.fetch });
  scoped.realtime.onAny(seen.take);
  const open = client(t, team, { fetch: wide.fetch });
  open.realtime.on('boss.spawned', () => {});
  await streamsOf(team, 2);
  const sent = await publish(team, 'ticket.created', 'boss.spawned', 'customer.updated', 'survey.submitted');
  await waitFor('the survey', () => seen.length === 2 && open.realtime.lastEventId === sent.at(-1).position);
  assert.deepEqual(types(seen), ['boss.spawned', 'survey.submitted']);
  const crossed = ({ wire }) => [...wire.matchAll(/"type":"([a-z_.]+)"/g)].map(([, type]) => type);
  assert.deepEqual(crossed(narrow), ['boss.spawned', 'survey.submitted']);
  assert.deepEqual(crossed(wide), types(sent));
});

test('R3, SEC-2: a key sees its own types alone', async (t) => {
  const team = await server.team('cut');
  const apiKey = await team.makeKey({ scopes: ['events:read'], types: ['ticket.*'] });
  const seen = collected();
  client(t, team, { apiKey }).realtime.onAny(seen.take);
  await streamsOf(team, 1);
  await publish(team, 'boss.spawned', 'ticket.created', 'survey.submitted', 'ticket.closed');
  await waitFor('the closed ticket', () => seen.length === 2);
  assert.deepEqual(types(seen), ['ticket.created', 'ticket.closed']);
});

test('R7, R13, R14, T13, T15: handlers run once each, in the order of registration, and one that throws harms none', async (t) => {
  const team = await server.team('order');
  const { realtime } = client(t, team);
  const [calls, errors] = [collected(), collected()];
  realtime.onError(errors.take);
  realtime.on('*.created', () => calls.take('*.created'));
  realtime.onAny(() => {
    calls.take('throws');
    throw new Error('the handler is broken');
  });
  const same = () => calls.take('twice');
  realtime.on('ticket.*', same);
  const off = realtime.on('ticket.*', same);
  realtime.on('ticket.created', () => calls.take('ticket.created'));
  realtime.on('boss.*', () => calls.take('boss'));
  await streamsOf(team, 1);
  await publish(team, 'ticket.created');
  await waitFor('all handlers', () => calls.includes('ticket.created'));
  assert.deepEqual([...calls], ['*.created', 'throws', 'twice', 'twice', 'ticket.created']);
  assert.match(errors[0].message, /the handler is broken/);

  off();
  calls.length = 0;
  await publish(team, 'ticket.created');
  await waitFor('all handlers', () => calls.includes('ticket.created'));
  assert.deepEqual([...calls], ['*.created', 'throws', 'twice', 'ticket.created']);
});

test('R17, R18, R20, R21, T12, T14: who registers late is told once that it is connected, and destroy() is the end', async (t) => {
  const team = await server.team('late');
  const cstar = client(t, team);
  const { realtime } = cstar;
  realtime.onAny(() => {});
  await waitFor('connected', () => realtime.connected);
  const [late, off] = [collected(), collected()];
  realtime.onConnectionChange(late.take);
  realtime.onConnectionChange(off.take)();
  await waitFor('told', () => late.length === 1);
  cstar.destroy();
  cstar.destroy();
  assert.equal(realtime.connected, false);
  assert.deepEqual([...late], [true, false]);
  assert.deepEqual([...off], []);
  await streamsOf(team, 0);
});

test('R5, R19, T13: while the server is away each failed attempt is told, with a wait whose bound doubles', async (t) => {
  const team = await server.team('away');
  const url = `http://127.0.0.1:${await freePort()}`;
  const errors = collected();
  const cstar = client(t, team, { baseUrl: url });
  cstar.realtime.onError(errors.take);
  cstar.realtime.onAny(() => {});
  await waitFor('four attempts', () => errors.length >= 4);
  errors.slice(0, 4).forEach(({ message, status, attempt, willRetry, retryInMs }, index) => {
    assert.ok(message.includes(url), message);
    assert.deepEqual({ status, attempt, willRetry }, { status: undefined, attempt: index + 1, willRetry: true });
    assert.ok(retryInMs >= 0 && retryInMs <= 500 * 2 ** (index + 1), `${index}: ${retryInMs}`);
  });
});

for (const [what, options, expected] of [
  ['T10, T18: a pattern that is none', { types: ['Ticket.*'] }, { status: 422, code: 'invalid_pattern' }],
  ['T13: a key that is none', { apiKey: 'csk_none' }, { status: 401, code: 'unauthenticated' }],
  ['T13, T24: another team', { teamId: '00000000-0000-4000-8000-000000000000' }, { status: 403, code: 'wrong_team' }],
]) {
  test(`${what} ends the stream with the server's word`, async (t) => {
    const team = await server.team('refused');
    const tap = tapped();
    const errors = collected();
    const { realtime } = client(t, team, { ...options, fetch: tap.fetch });
    realtime.onError(errors.take);
    realtime.onAny(() => {});
    await waitFor('a refusal', () => errors.length > 0);
    const { status, code, attempt, willRetry } = errors[0];
    assert.deepEqual({ status, code, attempt, willRetry }, { ...expected, attempt: 1, willRetry: false });
    assert.equal(await openStreams(team), 0);
    assert.deepEqual([errors.length, tap.requests], [1, 1]);
  });
}

test('T13, T17: a key that is revoked under an open stream is asked for again', async (t) => {
  const team = await server.team('revoked');
  const make = () => team.makeKey({ scopes: ['events:read'], types: ['*'] });
  const given = [];
  const seen = collected();
  const { realtime } = client(t, team, {
    apiKey: async () => {
      given.push(await make());
      return given.at(-1);
    },
  });
  realtime.onAny(seen.take);
  await waitFor('connected', () => realtime.connected);
  await team.json(204, 'DELETE', `/keys/${given[0].slice('csk_'.length).split('_')[0].replace(/^/, 'key_')}`);
  await waitFor('another key', () => given.length === 2 && realtime.connected);
  const [{ id }] = await publish(team, 'boss.defeated');
  await waitFor('the event', () => seen.length === 1);
  assert.equal(seen[0].id, id);
});

test('R6, T16, RT-2: a cursor goes on where it was, and one of no log is told as a gap', async (t) => {
  const team = await server.team('cursors');
  const sent = await publish(team, 'ticket.created', 'ticket.updated', 'ticket.closed');
  const [seen, gaps, after] = [collected(), collected(), collected()];
  client(t, team, { lastEventId: sent[0].position }).realtime.onAny(seen.take);
  await waitFor('two events', () => seen.length === 2);
  assert.deepEqual(types(seen), ['ticket.updated', 'ticket.closed']);

  const { realtime } = client(t, team, { lastEventId: '99.1' });
  realtime.onGap(gaps.take);
  realtime.onAny(after.take);
  await waitFor('a gap', () => gaps.length === 1);
  assert.equal(gaps[0].reason, 'unknown');
});

test('R2, R15, T16: events() gives each event in order until it is left', async (t) => {
  const team = await server.team('iterated');
  const sent = await publish(team, 'ticket.created', 'boss.spawned', 'ticket.updated');
  const seen = [];
  for await (const event of client(t, team).realtime.events({ types: ['ticket.*'], lastEventId: '0' })) {
    seen.push(event);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen.map(({ id }) => id), [sent[0].id, sent[2].id]);
  assert.equal(seen[0].data.ticket.id, sent[0].data.id);
  await streamsOf(team, 0);
});
