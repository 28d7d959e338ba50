// The catalog of event types, which all teams of a server share.
import type { EventTypeEntry, PutEventType } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions } from '../types/options.js';

export class EventTypes {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: ListQuery = {}, options?: CallOptions): List<EventTypeEntry> {
    return new List(this.#transport, { method: 'GET', path: ['event-types'], query: { ...query } }, options);
  }

  get(type: string, options?: CallOptions): Promise<EventTypeEntry> {
    return this.#transport.fetch({ method: 'GET', path: ['event-types', type] }, options);
  }

  /** Adds a type, or changes one that was added; with the platform key alone. */
  put(type: string, entry: PutEventType, options?: CallOptions): Promise<EventTypeEntry> {
    return this.#transport.fetch({ method: 'PUT', path: ['event-types', type], body: entry }, options);
  }

  /** Takes a type that was added away; with the platform key alone. */
  async delete(type: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: ['event-types', type] }, options);
  }
}
