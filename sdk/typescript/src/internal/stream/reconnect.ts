// When a stream is opened again. Pure: time, outcome and random number are handed in.
import { ApiError, ConnectionError, KeyError, ProtocolError, StreamEndError, TimeoutError } from '../../errors.js';
import { backoff } from '../backoff.js';

/** A stream that stood for so long has recovered from whatever was before. */
const HEALTHY_AFTER_MS = 60_000;

/** A stream that stood for so long did not fail because the server is overloaded: its end is an event of its own. */
const STEADY_AFTER_MS = 5_000;

/** As long as a server is believed that asks to stay away. */
const ASKED_MAX_MS = 3_600_000;

/**
 * Two refusals of a key within this time are two in a row. After a longer one, such as an outage, the key that was given last
 * may have expired in its turn.
 */
const IN_A_ROW_MS = 60_000;

/**
 * What to do after a failure: connect again after a time, at once with another key, or give up. `asked` is the part of the time that
 * the server asked for, which nothing cuts short.
 */
export type Verdict = { again: number; asked?: number | undefined; newKey: boolean } | 'end';

/** What is known of a stream's failures (R4, R5, T13). Times are milliseconds of a clock that only goes on. */
export class Reconnect {
  /** Failures that count for the backoff. */
  #raised = 0;
  #attempt = 0;
  #readyAt: number | undefined;
  #asked: number | undefined;
  /** When another key was asked for, unless the stream has stood for long since. */
  #newKeyAsked: number | undefined;

  /** Failures since the stream last stood. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Whether the server said that it is about to close. */
  get isAsked(): boolean {
    return this.#asked !== undefined;
  }

  /** The stream stands. */
  ready(now: number): void {
    this.#attempt = 0;
    this.#readyAt = now;
  }

  /** The server is about to close, and asks to stay away for so long. */
  asked(afterMs: number): void {
    this.#asked = Math.min(afterMs, ASKED_MAX_MS);
  }

  /** The stream ended or could not be opened. `canAskKey` is whether another key may be had. */
  failed(error: unknown, canAskKey: boolean, now: number, random: number): Verdict {
    this.#attempt += 1;
    const stood = this.#readyAt === undefined ? -1 : now - this.#readyAt;
    const asked = this.#asked;
    const steady = stood >= STEADY_AFTER_MS;
    this.#readyAt = this.#asked = undefined;
    if (steady) this.#newKeyAsked = undefined;
    if (stood >= HEALTHY_AFTER_MS) this.#raised = 0;
    if (isKeyRefused(error)) return this.#withNewKey(canAskKey, now);
    if (!mayPass(error)) return 'end';
    const floor = asked ?? (error instanceof ApiError ? error.retryAfterMs : undefined);
    const wait = (floor ?? 0) + backoff(this.#raised, random);
    if (asked === undefined && !steady) this.#raised += 1;
    return { again: wait, asked: floor, newKey: false };
  }

  #withNewKey(canAskKey: boolean, now: number): Verdict {
    const inARow = this.#newKeyAsked !== undefined && now - this.#newKeyAsked < IN_A_ROW_MS;
    if (!canAskKey || inARow) return 'end';
    this.#newKeyAsked = now;
    return { again: 0, newKey: true };
  }
}

const isKeyRefused = (error: unknown): boolean =>
  (error instanceof ApiError && error.status === 401) || (hasEndedForGood(error) && error.code !== 'not_found');

/** A wrong content type is what a proxy shows while the server starts. */
const PASSING = [ConnectionError, TimeoutError, ProtocolError, KeyError, StreamEndError];

/** Whether the next try may well succeed (T13). What is wrong with the client itself, such as how it was set up, stays wrong. */
function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || [408, 409, 425, 429].includes(error.status);
  return PASSING.some((Class) => error instanceof Class) && !hasEndedForGood(error);
}

/** Whether the server has said that with this key nothing more will come. */
const hasEndedForGood = (error: unknown): error is StreamEndError =>
  error instanceof StreamEndError && error.reason === 'unauthorized';
