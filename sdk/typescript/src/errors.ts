// What can go wrong, by what the caller can do about it.
import type { Problem } from './generated/api.js';

/** Every error that this package makes. */
export class CStarError extends Error {
  override readonly name: string = 'CStarError';
}

/** The server was not reached, or the connection broke: see to the network, and try again. `cause` says what happened. */
export class ConnectionError extends CStarError {
  override readonly name = 'ConnectionError';
}

/** No answer in time. Whether the request was carried out is not known. */
export class TimeoutError extends CStarError {
  override readonly name = 'TimeoutError';
}

/** What came is not what cStar answers: see to the address, or to a proxy between. */
export class ProtocolError extends CStarError {
  override readonly name = 'ProtocolError';
}

/** The function that gives the key failed, or gave what is no key. */
export class KeyError extends CStarError {
  override readonly name = 'KeyError';
}

/** A stream that stood has ended. */
export class StreamEndError extends CStarError {
  override readonly name = 'StreamEndError';

  constructor(
    readonly reason: 'closed' | 'reconnect' | 'silent' | 'unauthorized',
    message: string,
    /** Why the key is not taken any more, if the server said: `key_revoked`, `token_expired`, or `not_found` of a deleted team. */
    readonly code?: string,
  ) {
    super(message);
  }
}

/** What `realtime.onError` is told: a try that failed, a stream that ended, or a handler that threw. */
export class RealtimeError extends CStarError {
  override readonly name = 'RealtimeError';

  constructor(
    message: string,
    /** Failed tries since the stream last stood, from 1; 0 where a handler threw. */
    readonly attempt: number,
    /** Whether the stream goes on by itself. */
    readonly willRetry: boolean,
    /** After how many milliseconds the next try begins. */
    readonly retryInMs: number | undefined,
    /** The status of the answer, if there was one. */
    readonly status: number | undefined,
    /** The stable name of what is wrong, such as `key_revoked`; `handler_threw` where a handler threw. */
    readonly code: string | undefined,
    options: ErrorOptions,
  ) {
    super(message, options);
  }

  /** @internal */
  static of(cause: unknown, attempt: number, retryInMs: number | undefined): RealtimeError {
    const { message, status, code } = cause as Partial<ApiError>;
    const told = retryInMs === undefined ? `${message}; the stream has ended` : String(message);
    return new RealtimeError(told, attempt, retryInMs !== undefined, retryInMs, status || undefined, code, { cause });
  }

  /** @internal */
  static ofHandler(cause: unknown): RealtimeError {
    const told = `a handler threw: ${cause instanceof Error ? cause.message : String(cause)}`;
    return new RealtimeError(told, 0, true, undefined, undefined, 'handler_threw', { cause });
  }
}

/** What an answer that is a refusal says. */
export interface Refusal {
  status: number;
  problem?: Problem | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  location?: string | undefined;
}

/** The server, or something before it, answered and refused. Calls throw it as the class for its status. */
export class ApiError extends CStarError {
  override readonly name: string = 'ApiError';
  /** The status of the answer; 0 for a redirect that a browser does not show. */
  readonly status: number;
  /** The stable name of what is wrong, such as `not_found`; `undefined` if it was not cStar that answered. */
  readonly code: string | undefined;
  /** What to ask the operator about. */
  readonly requestId: string | undefined;
  /** All that the server says: what is wrong, which fields, and what to do. */
  readonly problem: Problem | undefined;
  /** How long to wait before asking again, if the answer says so. */
  readonly retryAfterMs: number | undefined;

  constructor(refusal: Refusal) {
    super(told(refusal));
    this.status = refusal.status;
    this.problem = refusal.problem;
    this.code = refusal.problem?.code;
    this.requestId = refusal.requestId ?? refusal.problem?.request_id;
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

function told({ status, problem, location }: Refusal): string {
  if (problem !== undefined) return `${problem.code}: ${problem.detail} (request ${problem.request_id})`;
  if (status === 0 || location) return `the address redirects to ${location ?? 'another'}: give the address that it leads to`;
  return `an answer of ${status} that is not cStar's: see to the address, or to a proxy`;
}
