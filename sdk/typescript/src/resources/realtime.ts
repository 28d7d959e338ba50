// The stream, for who may also let others read it.
import type { CatalogEvents } from '../generated/catalog.js';
import type { CreatedToken, CreateToken } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import { Realtime } from '../realtime/realtime.js';
import type { CallOptions, RealtimeOptions } from '../types/options.js';

export class TeamRealtime<Map = CatalogEvents> extends Realtime<Map> {
  readonly #transport: Transport;

  /** @internal */
  constructor(options: RealtimeOptions, transport: Transport) {
    super(options, transport.connection);
    this.#transport = transport;
  }

  /** Makes a short-lived token that opens the stream and nothing else: for a browser, which is given no key (T17). */
  createToken(token: CreateToken = {}, options?: CallOptions): Promise<CreatedToken> {
    const path = this.#transport.connection.team('realtime', 'tokens');
    return this.#transport.fetch({ method: 'POST', path, body: token }, options);
  }
}
