// Whether a call that failed is made again, and when. Pure: what failed and the random number are handed in.
import { ApiError, ConnectionError, TimeoutError } from '../errors.js';
import { backoff } from './backoff.js';

/**
 * How often a call is repeated at most. With the waits between, an error is told after some seconds: the caller may know better
 * what to do than to wait on.
 */
const RETRIES_MAX = 3;

/** The longest wait that is sat out within a call. An answer that asks for more is given to the caller. */
const PATIENCE_MS = 30_000;

/**
 * What may be repeated without doing a thing twice: `freely` what reads, carries an idempotency key, or leaves the same however
 * often it is made; `if-not-carried-out` what changes something.
 */
export type Repeat = 'freely' | 'if-not-carried-out';

/**
 * How long to wait before a call that has failed `failed` times (from 1), at last with `error`, is made again; `undefined` gives
 * the error to the caller. `random` is of 0 to 1.
 */
export function retryInMs(repeat: Repeat, failed: number, error: unknown, random: number): number | undefined {
  const harmless = repeat === 'freely' ? mayPass(error) : wasNotCarriedOut(error);
  if (!harmless || failed > RETRIES_MAX) return undefined;
  const asked = (error instanceof ApiError && error.retryAfterMs) || 0;
  return asked <= PATIENCE_MS ? asked + backoff(failed - 1, random) : undefined;
}

/** Whether the next try may well succeed. */
function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true;
  // `in_progress` meets the repeat of a publish whose first try is still being written.
  return error instanceof ApiError && (isPassing(error.status) || error.code === 'in_progress');
}

const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Errors of Node, Deno and Bun that come before anything was sent. Browsers do not say. */
const NOT_REACHED =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket|Connection refused/;

function wasNotCarriedOut(error: unknown): boolean {
  if (error instanceof ConnectionError) return wasNotReached(error.cause);
  if (!(error instanceof ApiError)) return false;
  return error.status === 429 || (error.status === 503 && error.code === 'queue_full');
}

/** The innermost cause says what happened; those around it, only that something did. */
function wasNotReached(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.cause !== undefined) return wasNotReached(error.cause);
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNotReached);
  // A connection that stood can break with the same code: `read EHOSTUNREACH`.
  const { syscall } = error as { syscall?: unknown };
  if (syscall !== undefined && syscall !== 'connect' && syscall !== 'getaddrinfo') return false;
  return NOT_REACHED.test(`${(error as { code?: unknown }).code} ${error.message}`);
}
