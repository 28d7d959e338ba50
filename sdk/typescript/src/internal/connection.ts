// Where the server is and who is asking: single requests, without a second try.
import { CStarError, ConnectionError } from '../errors.js';
import type { ConnectionOptions } from '../types/options.js';
import { KeyRing } from './key-ring.js';
import { environment, isBrowser, pageOrigin, warnOfSecretKey } from './platform.js';
import { USER_AGENT } from './version.js';

/** Where a server of `cstar dev` listens. */
const DEFAULT_URL = 'http://localhost:7070';

/** Errors of Node, Deno and Bun that come before anything was sent. Browsers do not say. */
const NOT_REACHED =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket|Connection refused/;

export type QueryValue = string | number | boolean | Date | readonly string[] | undefined;

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | undefined;
  signal: AbortSignal;
}

export class Connection {
  /** None where a session's cookie says who is asking. */
  readonly keys: KeyRing | undefined;
  readonly #base: string;
  readonly #teamId: string | undefined;
  readonly #fetch: typeof globalThis.fetch;

  constructor({ apiKey, teamId, baseUrl, fetch }: ConnectionOptions) {
    if (apiKey === undefined && !isBrowser()) {
      throw new CStarError("no apiKey: give a team key (csk_…), usually from the environment's CSTAR_KEY");
    }
    warnOfSecretKey(apiKey);
    this.keys = apiKey === undefined ? undefined : new KeyRing(apiKey);
    this.#base = checkedBase(baseUrl ?? environment('CSTAR_URL') ?? (this.keys ? undefined : pageOrigin()) ?? DEFAULT_URL);
    this.#teamId = teamId;
    this.#fetch = fetch ?? ((...given) => globalThis.fetch(...given));
  }

  /** The path below the team's. */
  team(...path: string[]): string[] {
    return ['teams', this.#teamId ?? '', ...path];
  }

  /** Where the path is, with those parameters that have a value. */
  url(path: readonly string[], query: Record<string, QueryValue> = {}): string {
    if (path[0] === 'teams' && !path[1]) throw new CStarError('no teamId: give the client the UUID of the team');
    const parameters = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = parameters.map(([name, value]) => `${name}=${encodeURIComponent(written(value))}`).join('&');
    return `${this.#base}/v1/${path.map(segment).join('/')}${search && `?${search}`}`;
  }

  /** The answer, whatever it is. No redirect is followed: a key goes to the address it was given for, and to no other. */
  async send({ method, url, headers, body, signal }: Request, bearer: string | undefined): Promise<Response> {
    const all = {
      ...(isBrowser() ? {} : { 'user-agent': USER_AGENT }),
      ...(bearer === undefined ? {} : { authorization: bearer }),
      ...headers,
    };
    try {
      return await this.#fetch(url, { method, headers: all, redirect: 'manual', signal, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      signal.throwIfAborted();
      throw broken(url, error);
    }
  }
}

/** What it means that a request, or the reading of its answer, failed. */
export function broken(url: string, error: unknown): ConnectionError {
  const cause = rootCause(error);
  const told = cause instanceof Error ? cause.message || cause.name : String(cause);
  const code = (cause as { code?: unknown } | null)?.code;
  const reached = !NOT_REACHED.test(`${String(code)} ${told}`);
  const { origin } = new URL(url);
  const message = reached
    ? `the connection to ${origin} broke: ${told}`
    : `cannot reach ${origin}: ${told || String(code)}; check the address, and that the server runs`;
  return new ConnectionError(message, reached, { cause: error });
}

/** The innermost cause says what happened; those around it, only that something did. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause instanceof AggregateError ? (cause.errors.at(-1) ?? cause) : cause;
}

function checkedBase(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CStarError(`${text} is no address: write it as https://cstar.example.com or ${DEFAULT_URL}`, { cause });
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw new CStarError(`${text} is not the address of a server: write it as https://cstar.example.com or ${DEFAULT_URL}`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new CStarError("the server's address holds more than host, port and path: give the key apart");
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** A part of the path, which stays within its place. */
function segment(text: string): string {
  if (typeof text !== 'string' || /^\.{0,2}$/.test(text)) throw new CStarError(`${JSON.stringify(text)} is no id`);
  return encodeURIComponent(text);
}

function written(value: QueryValue): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(',') : String(value);
}
