// Long work that was asked for in one call: resends of many, and recoveries.
import type { Operation } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions } from '../types/options.js';

export class Operations {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: ListQuery = {}, options?: CallOptions): List<Operation> {
    return new List(this.#transport, { method: 'GET', path: this.#path(), query: { ...query } }, options);
  }

  /** How far it has come. */
  get(id: string, options?: CallOptions): Promise<Operation> {
    return this.#transport.fetch({ method: 'GET', path: this.#path(id) }, options);
  }

  /** Ends it where it stands. */
  async cancel(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id) }, options);
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team('operations', ...more);
  }
}
