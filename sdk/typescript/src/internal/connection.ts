// Where the server is and who is asking: single requests, without a second try.
import { CStarError, ConnectionError } from '../errors.js';
import type { ConnectionOptions } from '../types/options.js';
import { KeyRing } from './key-ring.js';
import { environment, isBrowser, isServer, pageOrigin } from './platform.js';
import type { Named } from './stream/stream.js';
import { USER_AGENT } from './version.js';

/** Where a server of `cstar dev` listens. */
const DEFAULT_URL = 'http://localhost:7070';

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
    this.keys = apiKey === undefined ? undefined : new KeyRing(apiKey);
    this.#base = checkedBase(baseUrl ?? environment('CSTAR_URL') ?? (this.keys ? undefined : pageOrigin()) ?? DEFAULT_URL);
    this.#teamId = teamId;
    this.#fetch = (...given) => (fetch ?? globalThis.fetch)(...given); // A page's own must not be called as a method of another.
  }

  /**
   * Says at once what each request would say.
   *
   * @throws CStarError when the client was given no team.
   */
  mustHaveTeam(): void {
    this.url(this.team());
  }

  /** The path below the team's. */
  team(...path: string[]): string[] {
    return ['teams', this.#teamId ?? '', ...path];
  }

  /** What tells streams apart. */
  named(types: readonly string[] = ['*']): Named {
    return { server: this.#base, team: this.#teamId, types: [...types].sort(), key: this.keys?.fixed };
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
      ...(isServer() ? { 'user-agent': USER_AGENT } : {}),
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
export function broken(url: string, cause: unknown): ConnectionError {
  const told = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return new ConnectionError(`no connection to ${new URL(url).origin}, or it broke (${told})`, { cause });
}

function checkedBase(text: string): string {
  if (!URL.canParse(text) || !/^https?:\/\/[^@?#]+$/.test(text)) {
    throw new CStarError(`${text} is not the address of a server: write host, port and path alone, as in https://cstar.example.com`);
  }
  return text.replace(/\/+$/, '');
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
