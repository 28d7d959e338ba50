// Events at a steady rate while the server is killed over and over, then left in peace: every reader, in TypeScript and in
// Rust, has got every event once and in order.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as at } from 'node:timers/promises';

import { clientOf } from './clients.mjs';
import { Child, CSTAR, EVENT_TYPES, example, Random, Server, waitFor } from './scene.mjs';

/** How long it goes on; a minute makes it ten thousand events. */
const SECONDS = Number(process.env.CSTAR_KILL_SECONDS ?? 12);
const EVENTS_A_SECOND = 167;
const EVENTS = Math.floor(SECONDS * EVENTS_A_SECOND);
/** On average. */
const SECONDS_BETWEEN_KILLS = 2;
const PUBLISHERS = 8;
/** A reader that was cut off so often may rightly wait 30 s before it tries again. */
const PEACE_SECONDS = 120;
const SEED = Number(process.env.CSTAR_SEED ?? Date.now() % 1_000_000);

let server;
let team;
let kills = 0;
/** Ids in the order of the log, and those of events that were acknowledged. */
let log;
const acknowledged = new Set();
/** By name: a function that gives the ids that the reader has seen, in order. */
const readers = {};
const closing = [];

before(async () => {
  server = await Server.start();
  team = await server.team('kills');
  openReaders();
  const load = publishAll();
  await killUntil(performance.now() + SECONDS * 1000);
  await load;
  log = (await team.all('/events', { order: 'asc' })).map(({ id }) => id);
  const begun = performance.now();
  await waitFor(behind, () => Object.values(readers).every((seen) => seen().at(-1) === log.at(-1)), PEACE_SECONDS);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`seed ${SEED}: ${log.length} events, ${kills} kills in ${SECONDS} s; the last reader was there ${seconds} s later`);
});

after(async () => {
  for (const close of closing) await close();
  await server?.stop();
});

function behind() {
  const seen = Object.entries(readers).map(([name, ids]) => `${name} ${ids().length}`);
  return `every reader at the last of ${log.length} events; seed ${SEED}; seen: ${seen}`;
}

function openReaders() {
  const fromTheOldest = () => {
    const cstar = clientOf(team, { lastEventId: '0' });
    closing.push(() => cstar.destroy());
    return cstar;
  };
  const handled = [];
  fromTheOldest().realtime.onAny(({ id }) => handled.push(id));
  readers['TypeScript, handlers'] = () => handled;

  const iterated = [];
  void iterate(fromTheOldest(), iterated);
  readers['TypeScript, events()'] = () => iterated;

  const env = { CSTAR_URL: server.url, CSTAR_KEY: team.key, CSTAR_TEAM_ID: team.id };
  const listener = new Child(CSTAR, ['listen', '--json', '--after', '0'], { env });
  closing.push(() => listener.kill());
  readers['Rust, cstar listen'] = () => [...listener.stdout.matchAll(/^\{"told":"event","id":"(\w+)"/gm)].map(([, id]) => id);
}

async function iterate(cstar, seen) {
  for await (const { id } of cstar.realtime.events({ lastEventId: '0' })) seen.push(id);
}

/** Each event until it is acknowledged: the idempotency key settles what a kill left open. */
async function publishAll() {
  const cstar = clientOf(team);
  const begun = performance.now();
  let next = 0;
  const publisher = async () => {
    for (let number = next++; number < EVENTS; number = next++) {
      await at(begun + (number / EVENTS_A_SECOND) * 1000 - performance.now());
      const type = EVENT_TYPES[number % EVENT_TYPES.length];
      const { id } = await waitFor(`event ${number}`, () => attempt(cstar, { type, data: example(type) }, `kills-${number}`));
      acknowledged.add(id);
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
}

async function attempt(cstar, event, idempotencyKey) {
  try {
    return await cstar.events.publish(event, { idempotencyKey });
  } catch (error) {
    // A 4xx will not become better, but for a first try that is still on its way.
    if (error.status >= 400 && error.status < 500 && error.status !== 409) throw error;
    return undefined;
  }
}

async function killUntil(end) {
  const random = new Random(SEED);
  for (;;) {
    const wait = random.next() * 2 * SECONDS_BETWEEN_KILLS * 1000;
    if (performance.now() + wait > end) return at(end - performance.now());
    await at(wait);
    await server.crash();
    kills += 1;
    await server.begin();
  }
}

test('LOG-1, LOG-2: every event that was acknowledged is in the log, once', () => {
  assert.ok(kills > 0);
  assert.equal(log.length, EVENTS);
  assert.deepEqual(new Set(log), acknowledged);
});

for (const name of ['TypeScript, handlers', 'TypeScript, events()', 'Rust, cstar listen']) {
  test(`R3, R4, R6, T16, RT-1: ${name}: each event once and in order, whatever was killed`, () => {
    const seen = readers[name]();
    const parted = log.findIndex((id, index) => seen[index] !== id);
    assert.equal(parted, -1, `seed ${SEED}: at ${parted}: ${seen[parted]} instead of ${log[parted]}`);
    assert.equal(seen.length, log.length);
  });
}
