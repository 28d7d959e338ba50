// What handlers see of an event (T9).
import type { Envelope } from '../types/event.js';

/**
 * The event with its data under the name of the resource too, unless the data has that name: `event.data.id` and
 * `event.data.ticket.id` both work. A literal makes properties of its own, whatever they are called, so a hostile name reaches
 * no prototype.
 */
export function withResource(event: Envelope): Envelope {
  const { data, type } = event;
  const resource = type.slice(0, type.indexOf('.'));
  return Object.hasOwn(data, resource) ? event : { ...event, data: { ...data, [resource]: data } };
}
