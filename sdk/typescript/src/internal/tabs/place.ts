// What becomes of what another tab tells. Pure.
import { isBehind, position } from '../stream/position.js';

/** A step along the log: from one cursor to another, `undefined` being none. */
export interface Step {
  from: string | undefined;
  to: string | undefined;
  isGap: boolean;
}

/**
 * What a tab that stands at `cursor` makes of a step that another one took: `news`, which takes it to the same place; `old`, which
 * it has seen; or `hole`, where something lies between that it has not.
 */
export function placed(cursor: string | undefined, { from, to, isGap }: Step): 'news' | 'old' | 'hole' {
  const here = position(cursor);
  const end = position(to);
  if (end === undefined) return 'old';
  const start = position(from) ?? end;
  // Without a place it begins with what the server says: the oldest that is kept, or what is published from now on. The tab that
  // reads may be far behind that.
  if (here === undefined || isBehind(start, here)) return 'hole';
  // A log that was set back takes its readers with it.
  const leadsBack = isGap && isBehind(start, end);
  return leadsBack || isBehind(end, here) ? 'news' : 'old';
}
