// Noticing that a connection is dead although nobody said so.
import { StreamEndError } from '../../errors.js';

/** A stream that says nothing for so many heartbeats is dead. */
const HEARTBEATS = 2.5;

/**
 * How often the clock is looked at. Timers stand still while a machine sleeps and the clock on the wall does not, so a
 * connection that died meanwhile is noticed so soon after it wakes.
 */
const LOOK_MS = 5_000;

/** Who looks later than this was not waiting for bytes: the page was busy, or the machine asleep. */
const LATE_MS = 250;

/** What came meanwhile has so long to be seen; once, for where timers are held back on purpose every one of them is late. */
const GRACE_MS = 1_000;

/**
 * Resolves or rejects as the bytes that are waited for do, or rejects once nothing has come for two and a half heartbeats. It is
 * called while somebody reads: a reader that is busy elsewhere holds the server back, and has not heard nothing.
 */
export function orSilent<T>(bytes: Promise<T>, heartbeatMs: number): Promise<T> {
  const limitMs = heartbeatMs * HEARTBEATS;
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout>;
    let since = Date.now();
    let graceGiven = false;
    const wait = (ms: number): void => {
      const due = Date.now() + ms;
      timer = setTimeout(() => look(due), ms);
    };
    const look = (due: number): void => {
      const now = Date.now();
      since = Math.min(since, now); // The clock may have been set back.
      const leftMs = since + limitMs - now;
      if (leftMs > 0) wait(Math.min(leftMs, LOOK_MS));
      else if (now - due > LATE_MS && !graceGiven) {
        graceGiven = true;
        wait(GRACE_MS);
      } else reject(new StreamEndError('silent', `nothing came for ${limitMs / 1000} s, not even a heartbeat`));
    };
    wait(Math.min(limitMs, LOOK_MS));
    bytes.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
