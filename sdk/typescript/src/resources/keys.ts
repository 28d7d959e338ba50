// Team keys, and links to the team's settings page.
import type { CreatedKey, CreatedPortalLink, CreateKey, CreatePortalLink, Key } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { List, type ListQuery } from '../list.js';
import type { CallOptions } from '../types/options.js';

export class Keys {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a key, within the scopes and patterns of the one that asks. Its text is in this answer and in no other. */
  create(key: CreateKey, options?: CallOptions): Promise<CreatedKey> {
    return this.#transport.fetch({ method: 'POST', path: this.#path(), body: key }, options);
  }

  list(query: ListQuery = {}, options?: CallOptions): List<Key> {
    return new List(this.#transport, { method: 'GET', path: this.#path(), query: { ...query } }, options);
  }

  /** Revokes it, and with it the tokens that it made; streams that it opened end. */
  async revoke(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: this.#path(id) }, options);
  }

  /** Makes a link that opens the settings page once. Its URL is in this answer and in no other. */
  createPortalLink(link: CreatePortalLink = {}, options?: CallOptions): Promise<CreatedPortalLink> {
    const path = this.#transport.connection.team('portal-links');
    return this.#transport.fetch({ method: 'POST', path, body: link }, options);
  }

  #path(...more: string[]): string[] {
    return this.#transport.connection.team('keys', ...more);
  }
}
