/** How often something that is under way is looked at. */
export const WATCH_MS = 1_000;
/** And something that waits for its time. */
const WAIT_MS = 15_000;

/** Until a delivery is looked at again: once its attempt is due, and now and then before, as somebody may resend it. */
export function watchMs(nextAttemptAt: string | null | undefined, now: number): number | false {
  if (nextAttemptAt == null) return false;
  return Math.min(Math.max(new Date(nextAttemptAt).getTime() - now, WATCH_MS), WAIT_MS);
}
