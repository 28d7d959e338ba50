// The stream over kills of the server, read by curl and by a plain EventSource: no hole, no repeat.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { EVENT_TYPES } from './event-types.mjs';
import { generateEvents } from './generate-events.mjs';
import { Server } from './harness.mjs';
import { CurlReader, EventSourceReader, sequence } from './stream-readers.mjs';
import { waitFor } from './wait.mjs';

const KILLS = 4;
/** Published between one kill and the next, while the readers are attached. */
const EVENTS_A_ROUND = 84;
const PUBLISHERS = 4;
/** A heartbeat comes every 15 s; the first one at a random phase. */
const HEARTBEAT_DEADLINE_SECONDS = 40;

let server;
let team;
/** Per idempotency key: the event that was published and the answer to it. */
const published = [];
const readers = {};

before(async () => {
  server = await Server.start();
  team = await server.team('streams');
  const tickets = await team.makeKey({ scopes: ['events:read'], types: ['ticket.*'] });
  readers['curl'] = new CurlReader(team);
  readers['curl, narrow'] = new CurlReader(team, { types: 'boss.*,*.submitted' });
  readers['curl, key for tickets'] = new CurlReader(team, { key: tickets });
  readers['EventSource'] = new EventSourceReader(team);
  readers['EventSource, narrow'] = new EventSourceReader(team, { types: 'boss.*,*.submitted' });
  for (const reader of Object.values(readers)) reader.attach('0');
  await everyReader('ready', (reader) => reader.connections === 1);

  for (let round = 0; round <= KILLS; round += 1) {
    const publishing = publishRound(round);
    if (round < KILLS) {
      // In the middle of a round: some events are acknowledged, some are on their way.
      await waitFor('half a round', () => published.length >= (round + 0.5) * EVENTS_A_ROUND);
      await server.crash();
      for (const reader of curls()) await reader.detached();
      await server.begin();
      for (const reader of curls()) reader.attach();
    }
    await publishing;
    const connections = Math.min(round + 2, KILLS + 1);
    await everyReader(`connected ${connections} times`, (reader) => reader.connections >= connections);
  }
  await everyReader('at its last event', (reader, name) => reader.named(undefined).at(-1)?.id === expected(name).at(-1).position);
});

after(async () => {
  for (const reader of Object.values(readers)) await reader.close();
  await server?.stop();
});

const curls = () => Object.values(readers).filter((reader) => reader instanceof CurlReader);

const everyReader = async (what, condition) => {
  for (const [name, reader] of Object.entries(readers)) await waitFor(`${name}: ${what}`, () => condition(reader, name));
};

/** Publishes a round's events, each until it is answered: the idempotency key settles what a kill left open. */
async function publishRound(round) {
  const events = generateEvents({ seed: round, count: EVENTS_A_ROUND }).map((event, index) => ({ ...event, key: `${round}-${index}` }));
  const publishers = Array.from({ length: PUBLISHERS }, async () => {
    for (let event = events.shift(); event; event = events.shift()) {
      const answer = await waitFor(`an answer to ${event.key}`, () => attempt(event));
      published.push({ ...event, ...answer });
    }
  });
  await Promise.all(publishers);
}

async function attempt(event) {
  try {
    return await team.publish(event, { headers: { 'idempotency-key': event.key } });
  } catch (error) {
    // A 4xx will not become better; anything else is a server that is down or just came back.
    if (error.status >= 400 && error.status < 500 && error.status !== 409) throw error;
    return undefined;
  }
}

/** What the reader of this name has to see, in the order of the log. */
function expected(name) {
  const sees = {
    'curl, narrow': (type) => type.startsWith('boss.') || type.endsWith('.submitted'),
    'EventSource, narrow': (type) => type.startsWith('boss.') || type.endsWith('.submitted'),
    'curl, key for tickets': (type) => type.startsWith('ticket.'),
  }[name] ?? (() => true);
  const inOrder = published.toSorted((one, other) => sequence(one.position) - sequence(other.position));
  return inOrder.filter(({ type }) => sees(type));
}

const seen = (name) => readers[name].named(undefined).map(({ id, data }) => ({ id, data }));
const wanted = (name) => expected(name).map(({ position, envelope }) => ({ id: position, data: envelope }));

/** The first place where two lists part; the lists themselves are too long to read. */
function assertSame(actual, right, what) {
  const at = right.findIndex((row, index) => actual[index]?.id !== row.id || actual[index]?.data !== row.data);
  assert.deepEqual({ at, row: actual[at] }, { at: -1, row: actual[-1] }, `${what}: expected ${JSON.stringify(right[at])?.slice(0, 200)}`);
  assert.equal(actual.length, right.length, what);
}

test('LOG-1, LOG-2: every event that was answered is in the log once, at consecutive positions', async () => {
  assert.equal(published.length, (KILLS + 1) * EVENTS_A_ROUND);
  const positions = expected('curl').map(({ position }) => sequence(position));
  assert.deepEqual(positions, Array.from(positions, (_, index) => index + 1));
  const log = await team.all('/events', { order: 'asc' });
  assert.deepEqual(log.map((event) => JSON.stringify(event)), expected('curl').map(({ envelope }) => envelope));
});

test('R2, R3, R6, R23, T9, T16, RT-1: curl sees every event once, in order, over kills of the server', () => {
  assertSame(seen('curl'), wanted('curl'), 'curl');
});

test('R2, R4, R6, R23, T16, RT-1: a plain EventSource comes back by itself and misses and repeats nothing', () => {
  assert.ok(!readers['EventSource'].gaveUp);
  assertSame(seen('EventSource'), wanted('EventSource'), 'EventSource');
});

test('R7, R22, R24, T16: with a narrow filter exactly what it chooses crosses the wire, over kills too', () => {
  for (const name of ['curl, narrow', 'EventSource, narrow']) assertSame(seen(name), wanted(name), name);
  assert.ok(seen('curl, narrow').length > KILLS);
  const crossed = readers['curl, narrow'].wire.matchAll(/"type":"([a-z_.]+)"/g);
  assert.deepEqual(new Set([...crossed].map(([, type]) => type)), new Set(['boss.spawned', 'boss.defeated', 'survey.submitted']));
});

test('R3, SEC-2: a key for tickets sees every ticket event and nothing else', () => {
  assertSame(seen('curl, key for tickets'), wanted('curl, key for tickets'), 'curl, key for tickets');
  assert.doesNotMatch(readers['curl, key for tickets'].wire, /"type":"(?!ticket\.)/);
});

test('RT-1: an id that was seen never lies beyond what was sent, and nothing is told as a gap', () => {
  for (const [name, reader] of Object.entries(readers)) {
    assert.deepEqual(reader.named('cstar.gap'), [], name);
    let cursor = 0;
    for (const { name: kind, id } of reader.frames.filter(({ id }) => id)) {
      const here = sequence(id);
      assert.ok(kind === undefined ? here > cursor : here >= cursor, `${name}: ${kind ?? 'event'} ${id} after ${cursor}`);
      cursor = here;
    }
  }
});

test('R26: all of this took neither an endpoint nor a signing secret', async () => {
  assert.deepEqual(await team.all('/webhooks'), []);
  assert.deepEqual(await team.all('/deliveries'), []);
});

test('T16, RT-1: heartbeats alone move a narrow cursor past what the filter left out, and a kill loses nothing after it', async (t) => {
  const quiet = await server.team('heartbeats');
  const reader = new CurlReader(quiet, { types: 'survey.*' });
  t.after(() => reader.close());
  reader.attach();
  await waitFor('ready', () => reader.connections === 1);
  const [survey, ...others] = generateEvents({ seed: 6, count: EVENT_TYPES.length }).reverse();
  let head;
  for (const event of others) head = (await quiet.publish(event)).position;
  await waitFor(`a heartbeat at ${head}`, () => reader.named('cstar.heartbeat').some(({ id }) => id === head), HEARTBEAT_DEADLINE_SECONDS);

  await server.crash();
  await reader.detached();
  await server.begin();
  await quiet.publish(others[0]);
  const { position, envelope } = await quiet.publish(survey);
  assert.equal(reader.cursor, head);
  reader.attach();
  await waitFor('the survey', () => reader.named(undefined).length === 1);
  assert.equal(JSON.parse(reader.named('cstar.ready')[1].data).resumed, true);
  assert.deepEqual(reader.named('cstar.gap'), []);
  assert.deepEqual(reader.named(undefined)[0], { name: undefined, id: position, data: envelope });
});
