// Comparing long texts: what is shown is where they part, not 64 KiB of each.
import { AssertionError } from 'node:assert';

const SHOWN_CHARACTERS = 60;

export function assertSameText(actual, expected, what) {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at += 1;
  const near = (text) => JSON.stringify(text.slice(Math.max(0, at - SHOWN_CHARACTERS / 2), at + SHOWN_CHARACTERS / 2));
  throw new AssertionError({ message: `${what}: ${near(actual)} instead of ${near(expected)}, ${at} characters in` });
}
