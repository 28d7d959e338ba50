// Opening a connection.
import { ApiError, ProtocolError, TimeoutError } from '../../errors.js';
import { discard, mediaTypeIs, refusal } from '../answer.js';
import type { Connection } from '../connection.js';
import { Reading } from './reading.js';

const MEDIA_TYPE = 'text/event-stream';

/** How long a server may take to answer, the connection and the key included. */
const OPEN_TIMEOUT_MS = 30_000;

/** What is asked of the server, the cursor aside. */
export interface Asked {
  types?: readonly string[] | undefined;
  untilHead?: boolean | undefined;
}

/** Opens connections of one stream, each with another key than the last where that one was refused. */
export class Opener {
  readonly #connection: Connection;
  readonly #asked: Asked;
  #generation: number | undefined;

  constructor(connection: Connection, asked: Asked) {
    this.#connection = connection;
    this.#asked = asked;
  }

  /** Whether there is another key to be had. */
  get canAskKey(): boolean {
    return this.#connection.keys?.canAskAgain ?? false;
  }

  /** The stream behind the cursor. Aborting the controller ends it, whether it stands or not. */
  async open(cursor: string | undefined, newKey: boolean, controller: AbortController): Promise<Reading> {
    const { signal } = controller;
    const late = (): void => controller.abort(new TimeoutError(`no answer within ${OPEN_TIMEOUT_MS} ms`));
    const timer = setTimeout(late, OPEN_TIMEOUT_MS);
    try {
      return await this.#open(cursor, newKey, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(cursor: string | undefined, newKey: boolean, signal: AbortSignal): Promise<Reading> {
    const bearer = await this.#connection.keys?.bearer(signal, newKey ? this.#generation : undefined);
    this.#generation = bearer?.generation;
    const { types, untilHead } = this.#asked;
    const url = this.#connection.url(this.#connection.team('realtime'), { types, until: untilHead ? 'head' : undefined });
    const headers = { accept: MEDIA_TYPE, ...(cursor === undefined ? {} : { 'last-event-id': cursor }) };
    const response = await this.#connection.send({ method: 'GET', url, headers, signal }, bearer?.value);
    if (response.status !== 200) throw new ApiError(await refusal(response));
    if (response.body === null || !mediaTypeIs(response.headers, MEDIA_TYPE)) {
      discard(response);
      throw new ProtocolError('an answer that is no stream: check the address, and the proxy before it');
    }
    return new Reading(url, response.body);
  }
}
