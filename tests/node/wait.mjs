// Waiting on a condition with a deadline.
import { setInterval } from 'node:timers/promises';

/** Enough for a slow machine that does other work too; reached only when something is broken. */
const DEADLINE_SECONDS = 60;
const LOOK_EVERY_MS = 20;

/** The first truthy answer of `condition`; an error that names `what` once the deadline has passed. */
export async function waitFor(what, condition, seconds = DEADLINE_SECONDS) {
  const deadline = performance.now() + seconds * 1000;
  for await (const _ of setInterval(LOOK_EVERY_MS)) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain for ${typeof what === 'function' ? what() : what}`);
    }
  }
}
