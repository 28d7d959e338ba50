// Patterns of event types (T18): `*`, `resource.*`, `*.action`, `resource.action`.
import { CStarError } from '../errors.js';

const SEGMENT = '[a-z][a-z0-9_]{0,63}';
const TYPE = new RegExp(`^${SEGMENT}\\.${SEGMENT}$`);
const PATTERN = new RegExp(`^(\\*|(\\*|${SEGMENT})\\.${SEGMENT}|${SEGMENT}\\.\\*)$`);

/** Whether it is `resource.action`. */
export const isEventType = (value: unknown): value is string => typeof value === 'string' && TYPE.test(value);

/**
 * Tells which types the pattern matches.
 *
 * @throws CStarError when it is none.
 */
export function matcher(pattern: string): (type: string) => boolean {
  if (!PATTERN.test(pattern)) {
    throw new CStarError(`${JSON.stringify(pattern)} is no pattern: write *, resource.*, *.action or resource.action`);
  }
  if (pattern.startsWith('*')) return (type) => type.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return (type) => type.startsWith(pattern.slice(0, -1));
  return (type) => type === pattern;
}
