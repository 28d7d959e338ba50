// Sessions of the settings page: for a page that the server itself serves, whose cookie no script sees.
import type { Session } from '../generated/api.js';
import type { Transport } from '../internal/transport.js';
import type { CallOptions } from '../types/options.js';

/** What opens a session: a team key, or what stands behind the `#` of a portal link. */
export type SignIn = { key: string } | { link: string };

export class Sessions {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Begins a session; the answer sets its cookie. */
  signIn(by: SignIn, options?: CallOptions): Promise<Session> {
    return this.#transport.fetch({ method: 'POST', path: ['session'], body: by }, options);
  }

  /** Whose session it is. */
  get(options?: CallOptions): Promise<Session> {
    return this.#transport.fetch({ method: 'GET', path: ['session'] }, options);
  }

  /** Ends the session. */
  async signOut(options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: 'DELETE', path: ['session'] }, options);
  }
}
