// Publishing, and reading what was published.
import type { CatalogEvents } from '../generated/catalog.js';
import type { DeliveryRow } from '../generated/api.js';
import type { Call, Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { FlatEvent, TypeOf } from '../types/event.js';
import type { CallOptions } from '../types/options.js';

/** Data may have more than the map says of it. */
type DataOf<Events, Type extends TypeOf<Events>> = Events[Type] & { [more: string]: unknown };

/** An event to publish. */
export type PublishEvent<Events = CatalogEvents> = {
  [Type in TypeOf<Events>]: {
    type: Type;
    data: DataOf<Events, Type>;
    /** Whether webhooks that match get a delivery, as they do unless said. */
    webhooks?: boolean;
  };
}[TypeOf<Events>];

/** An event of a batch. */
export type BatchedEvent<Events = CatalogEvents> = {
  [Type in TypeOf<Events>]: {
    type: Type;
    data: DataOf<Events, Type>;
    /** A repeat with the same key, type and data finds the first event; one is made unless given. */
    idempotencyKey?: string | undefined;
  };
}[TypeOf<Events>];

export interface PublishOptions extends CallOptions {
  /** A repeat with the same key finds the first event, for a day. One is made unless given. */
  idempotencyKey?: string | undefined;
  /** Makes a test event, whose id begins with `evt_test_`. */
  test?: boolean | undefined;
}

export interface BatchOptions extends CallOptions {
  /** Whether webhooks that match get deliveries, as they do unless said. */
  webhooks?: boolean | undefined;
  /** Makes test events. */
  test?: boolean | undefined;
}

/** What was published: the envelopes, and where each stands in the team's log. */
export interface PublishedBatch<Events = CatalogEvents> {
  data: Array<FlatEvent<Events>>;
  positions: string[];
}

export interface EventQuery extends ListQuery {
  /** Only of these patterns. */
  types?: readonly string[] | undefined;
  /** Not before this instant. */
  since?: string | Date | undefined;
  /** Before this instant. */
  until?: string | Date | undefined;
  /** Newest first (`desc`) unless said. */
  order?: 'asc' | 'desc' | undefined;
}

export class Events<Map = CatalogEvents> {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Publishes an event. It is on disk once this resolves; a repeat after a failure makes no second one. */
  publish<Event extends PublishEvent<Map>>(event: Event, options: PublishOptions = {}): Promise<FlatEvent<Map, Event['type']>> {
    const { idempotencyKey = newKey(), test, ...rest } = options;
    return this.#transport.fetch(this.#post(event, test, { 'idempotency-key': idempotencyKey }), rest);
  }

  /** Publishes all of them, in this order and side by side in the log, or none. */
  publishBatch(events: ReadonlyArray<BatchedEvent<Map>>, options: BatchOptions = {}): Promise<PublishedBatch<Map>> {
    const { webhooks, test, ...rest } = options;
    const rows = events.map(({ type, data, idempotencyKey = newKey() }) => ({
      type,
      data,
      idempotency_key: idempotencyKey,
    }));
    return this.#transport.fetch(this.#post({ events: rows, webhooks }, test), rest);
  }

  /** What was published, newest first unless said. */
  list(query: EventQuery = {}, options?: CallOptions): List<FlatEvent<Map>> {
    return new List(this.#transport, { method: 'GET', path: this.#path(), query: { ...query } }, options);
  }

  get(id: string, options?: CallOptions): Promise<FlatEvent<Map>> {
    return this.#transport.fetch({ method: 'GET', path: this.#path(id) }, options);
  }

  /** Sends an event to a webhook, whether it wanted the event or not. */
  resend(id: string, to: { webhook: string }, options?: CallOptions): Promise<DeliveryRow> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(id, 'resend'), body: to }, options);
  }

  /** Takes the event's data away for good; its place in the log stays. */
  async erase(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id, 'data'), repeat: 'freely' }, options);
  }

  #post(body: unknown, test: boolean | undefined, headers: Record<string, string> = {}): Call {
    const all = test ? { ...headers, 'x-cstar-test': 'true' } : headers;
    return { method: 'POST', path: this.#path(), body, headers: all, repeat: 'freely' };
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team('events', ...more);
  }
}

/** `crypto.randomUUID` is missing in pages without TLS. */
const newKey = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
