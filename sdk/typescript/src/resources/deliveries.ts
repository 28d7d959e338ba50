// The webhook logs.
import type { DeliveryDetail, DeliveryRow, DeliveryStatus, Operation, ResendCount, ResendDeliveries } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions } from '../types/options.js';

export interface DeliveryQuery extends ListQuery {
  /** Only to this webhook. */
  webhook?: string | undefined;
  /** Only those that stand so. */
  status?: DeliveryStatus | undefined;
  /** Only of this event. */
  event?: string | undefined;
  /** Only of events of these patterns. */
  types?: readonly string[] | undefined;
  /** Not made before this instant. */
  since?: string | Date | undefined;
  /** Made before this instant. */
  until?: string | Date | undefined;
}

/** Which deliveries to resend: those that meet everything that is set, which must be something. */
export type ResendFilter = Omit<ResendDeliveries, 'dry_run'>;

export class Deliveries {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list(query: DeliveryQuery = {}, options?: CallOptions): List<DeliveryRow> {
    return new List(this.#transport, { method: 'GET', path: this.#path(), query: { ...query } }, options);
  }

  /** One with all its attempts. */
  get(id: string, options?: CallOptions): Promise<DeliveryDetail> {
    return this.#transport.fetch({ method: 'GET', path: this.#path(id) }, options);
  }

  /** Sends it again, under the same id. */
  resend(id: string, options?: CallOptions): Promise<DeliveryRow> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(id, 'resend') }, options);
  }

  /** Resends all that the filter matches; the operation tells how far it has come. */
  resendAll(filter: ResendFilter, options?: CallOptions): Promise<Operation> {
    return this.#transport.fetch({ method: 'POST', path: this.#path('resend'), body: filter }, options);
  }

  /** How many `resendAll` would resend. */
  countResend(filter: ResendFilter, options?: CallOptions): Promise<ResendCount> {
    const body = { ...filter, dry_run: true };
    return this.#transport.fetch({ method: 'POST', path: this.#path('resend'), body, repeat: 'freely' }, options);
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team('deliveries', ...more);
  }
}
