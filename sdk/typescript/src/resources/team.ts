// The team itself: its name, who changed what, and who is reading its stream.
import type { AuditAction, AuditEntry, Stream, Team, UpdateTeam } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions } from '../types/options.js';

export interface AuditQuery extends ListQuery {
  /** Only changes of this kind. */
  action?: AuditAction | undefined;
  /** Only by this key. */
  actor?: string | undefined;
  /** Not before this instant. */
  since?: string | Date | undefined;
  /** Before this instant. */
  until?: string | Date | undefined;
}

export class OwnTeam {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(options?: CallOptions): Promise<Team> {
    return this.#transport.fetch({ method: 'GET', path: this.#path() }, options);
  }

  update(change: UpdateTeam, options?: CallOptions): Promise<Team> {
    return this.#transport.fetch({ method: 'PATCH', path: this.#path(), body: change }, options);
  }

  /** Deletes the team with all that it has; with the platform key alone. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path() }, options);
  }

  /** Who changed what, newest first. */
  audit(query: AuditQuery = {}, options?: CallOptions): List<AuditEntry> {
    return new List(this.#transport, { method: 'GET', path: this.#path('audit'), query: { ...query } }, options);
  }

  /** The streams that are open. */
  streams(query: ListQuery = {}, options?: CallOptions): List<Stream> {
    return new List(this.#transport, { method: 'GET', path: this.#path('realtime', 'streams'), query: { ...query } }, options);
  }

  /** Ends an open stream. Its reader may come back. */
  async endStream(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path('realtime', 'streams', id) }, options);
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team(...more);
  }
}
