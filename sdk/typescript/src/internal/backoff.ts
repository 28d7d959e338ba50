// How long to wait after failures: one rule for streams and calls.

/** Up to where the first wait is drawn. */
const FIRST_MS = 500;

/** Up to where a wait is drawn at most: a server that comes back is noticed within half a minute. */
const CEILING_MS = 30_000;

/**
 * `rand(0, min(30 s, 0.5 s · 2^n))`, `random` being of 0 to 1. Drawn from the whole range, so that clients that lost the same
 * server come back one by one (R5).
 */
export function backoff(n: number, random: number): number {
  return Math.round(Math.min(CEILING_MS, FIRST_MS * 2 ** n) * random);
}
