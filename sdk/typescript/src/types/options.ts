// How a client is set up.
import type { Share } from '../internal/stream/stream.js';

/** A key, or a function that gives one: a realtime token, say, that lives for minutes. */
export type ApiKey = string | (() => string | Promise<string>);

/** Where the server is, and who is asking. */
export interface ConnectionOptions {
  /**
   * A team key (`csk_…`), or a function that gives a key or a token. The function is asked before the first request, and again
   * when the server does not take the key any more. Left out in a browser, the session's cookie is used.
   */
  apiKey?: ApiKey | undefined;
  /** The team's UUID. */
  teamId?: string | undefined;
  /**
   * The server's address; it may have a path. Unless given, the environment's `CSTAR_URL`, else `http://localhost:7070`; in a
   * browser without `apiKey`, where the page comes from.
   */
  baseUrl?: string | undefined;
  /** Another `fetch`, for a proxy or a test. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** What the stream of handlers shows, and from where on. */
export interface StreamOptions {
  /** Patterns, such as `['ticket.*']`: other events do not cross the wire. Everything that the key sees unless given. */
  types?: readonly string[] | undefined;
  /**
   * Where to begin: behind this position, or with the oldest event that is kept (`'0'`). What is published from now on unless
   * given. To go on after a restart, keep `realtime.lastEventId` and give it here.
   */
  lastEventId?: string | undefined;
}

export interface RealtimeOptions extends ConnectionOptions, StreamOptions {
  /** `acrossTabs({ reader })` for one stream that all tabs of a page share; each client has its own unless given. */
  share?: Share | undefined;
}

export interface ClientOptions extends RealtimeOptions {
  /** How long one try of a call may take, in milliseconds; 30,000 unless given. A stream has no such end. */
  timeoutMs?: number | undefined;
}

/** What can be said of a single call. */
export interface CallOptions {
  /** Gives the call up. */
  signal?: AbortSignal | undefined;
  /** How long one try may take, in milliseconds; the client's unless given. */
  timeoutMs?: number | undefined;
}

/** For changes of what others may change meanwhile. */
export interface ChangeOptions extends CallOptions {
  /** The `etag` of what was read: if it was changed since then, the change is refused with 412 `changed`. */
  ifMatch?: string | undefined;
}

/** What was read, and which version of it. */
export interface Tagged<T> {
  value: T;
  etag: string | undefined;
}

/** Ends what its function began; calling it again does nothing. */
export type Off = () => void;
