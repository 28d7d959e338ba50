// Calls: as many tries as are harmless and of use, and JSON both ways.
import { CStarError, ProtocolError, TimeoutError } from '../errors.js';
import { apiError, AuthenticationError } from '../status-errors.js';
import type { CallOptions, Tagged } from '../types/options.js';
import { Linked, sleep } from './abort.js';
import { refusal } from './answer.js';
import { broken, type Connection, type QueryValue } from './connection.js';
import type { Bearer } from './key-ring.js';
import { retryInMs, type Repeat } from './retry.js';

/** How long a try may take, its answer included: longer than the server takes to say that it is overloaded. */
const TIMEOUT_MS = 30_000;

/** The longest that a timer can be; a longer one would be none. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What is asked of the server. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: readonly string[];
  query?: Record<string, QueryValue>;
  headers?: Record<string, string>;
  body?: unknown;
  /** `freely` for GET and PUT, `if-not-carried-out` for the others, unless said. */
  repeat?: Repeat;
}

interface Answer {
  text: string;
  etag: string | undefined;
}

export class Transport {
  readonly connection: Connection;
  readonly #timeoutMs: number;
  readonly #destroyed: AbortSignal;

  constructor(connection: Connection, timeoutMs: number | undefined, destroyed: AbortSignal) {
    this.connection = connection;
    this.#timeoutMs = timeoutMs ?? TIMEOUT_MS;
    this.#destroyed = destroyed;
  }

  /** The answer, read as JSON. */
  async fetch<T>(call: Call, options?: CallOptions): Promise<T> {
    return (await this.fetchTagged<T>(call, options)).value;
  }

  /** The same, and which version of it that is. */
  async fetchTagged<T>(call: Call, options?: CallOptions): Promise<Tagged<T>> {
    const { text, etag } = await this.#send(call, options);
    try {
      return { value: JSON.parse(text) as T, etag };
    } catch (cause) {
      const what = `the answer to ${call.method} ${call.path.join('/')} is no JSON`;
      throw new ProtocolError(`${what}: check the address, and the proxy before it`, { cause });
    }
  }

  /** The text of the answer. */
  async send(call: Call, options?: CallOptions): Promise<string> {
    return (await this.#send(call, options)).text;
  }

  async #send(call: Call, { signal, timeoutMs }: CallOptions = {}): Promise<Answer> {
    const given = new Linked(signal, this.#destroyed);
    try {
      return await this.#tries(call, timeoutMs ?? this.#timeoutMs, given.signal);
    } finally {
      given.release();
    }
  }

  async #tries(call: Call, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const repeat = call.repeat ?? (call.method === 'GET' || call.method === 'PUT' ? 'freely' : 'if-not-carried-out');
    let refused: number | undefined;
    for (let failed = 0; ; ) {
      let bearer: Bearer | undefined;
      try {
        const limited = new Deadline(timeoutMs, signal);
        try {
          bearer = await this.connection.keys?.bearer(limited.signal, refused);
          return await this.#once(call, bearer, limited.signal);
        } finally {
          limited.release();
        }
      } catch (error) {
        signal.throwIfAborted();
        if (refused === undefined && bearer && this.connection.keys?.canAskAgain && error instanceof AuthenticationError) {
          refused = bearer.generation;
          continue;
        }
        failed += 1;
        const waitMs = retryInMs(repeat, failed, error, Math.random());
        if (waitMs === undefined) throw error;
        await sleep(waitMs, signal);
        signal.throwIfAborted();
      }
    }
  }

  async #once(call: Call, bearer: Bearer | undefined, signal: AbortSignal): Promise<Answer> {
    const { method, path, query, body } = call;
    const url = this.connection.url(path, query);
    const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...call.headers };
    const request = { method, url, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await this.connection.send(request, bearer?.value);
    try {
      if (!response.ok) throw apiError(await refusal(response));
      return { text: await response.text(), etag: response.headers.get('etag') ?? undefined };
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof CStarError ? error : broken(url, error);
    }
  }
}

/** The time that one try has. */
class Deadline extends Linked {
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number, signal: AbortSignal) {
    super(signal);
    const late = (): void =>
      this.controller.abort(new TimeoutError(`no answer within ${timeoutMs} ms: try again, or see whether the server is overloaded`));
    this.#timer = setTimeout(late, Math.min(timeoutMs, TIMER_MAX_MS));
  }

  override release(): void {
    clearTimeout(this.#timer);
    super.release();
  }
}
