// What the live tests stand on: the harness of `tests/node`, and examples of events.
import { readFileSync } from 'node:fs';

import { waitFor } from '../../../../tests/node/wait.mjs';

export { Child, CSTAR, run } from '../../../../tests/node/child.mjs';
export { EVENT_TYPES } from '../../../../tests/node/event-types.mjs';
export { freePort, Server } from '../../../../tests/node/harness.mjs';
export { Random } from '../../../../tests/node/random.mjs';
export { waitFor };

const CATALOG = new URL('../../../../crates/types/src/catalog/', import.meta.url);

/** The catalog's own example of this type's data. */
export const example = (type) => JSON.parse(readFileSync(new URL(`${type}.json`, CATALOG), 'utf8')).example;

/** Publishes the catalog's example of each type, in order, one after the other; `{ envelope, position }` of each. */
export async function publish(team, ...types) {
  const published = [];
  for (const type of types) published.push(await team.publish({ type, data: JSON.stringify(example(type)) }));
  return published.map(({ envelope, position }) => ({ ...JSON.parse(envelope), position }));
}

/** How many streams the server has open for this team. */
export const openStreams = async (team) => (await team.json(200, 'GET', '/realtime/streams')).data.length;

/** Waits until the server has so many streams open for this team. */
export const streamsOf = (team, count) => waitFor(`${count} open streams`, async () => (await openStreams(team)) === count);
