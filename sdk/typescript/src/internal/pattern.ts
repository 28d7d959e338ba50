// Patterns of event types (T18): `*`, `resource.*`, `*.action`, `resource.action`.
import { CStarError } from '../errors.js';

const SEGMENT = /^[a-z][a-z0-9_]{0,63}$/;

/** What is wrong with a text that is no pattern. */
export type PatternFault = 'empty' | 'not_two_segments' | 'bad_segment' | 'double_wildcard';

/** What is wrong with the text as a pattern, if anything is. */
export function patternFault(text: string): PatternFault | undefined {
  if (text === '*') return undefined;
  if (text === '') return 'empty';
  const segments = text.split('.');
  if (segments.length !== 2) return 'not_two_segments';
  if (text === '*.*') return 'double_wildcard';
  return segments.every((segment) => segment === '*' || SEGMENT.test(segment)) ? undefined : 'bad_segment';
}

/** Whether the text is `resource.action`. */
export const isEventType = (text: unknown): text is string =>
  typeof text === 'string' && !text.includes('*') && patternFault(text) === undefined;

/**
 * Tells which types the pattern matches.
 *
 * @throws CStarError when it is none.
 */
export function matcher(pattern: string): (type: string) => boolean {
  const fault = patternFault(pattern);
  if (fault !== undefined) throw new CStarError(`${JSON.stringify(pattern)} is no pattern (${fault}): ${HINT}`);
  if (pattern === '*') return () => true;
  if (pattern.startsWith('*')) return (type) => type.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return (type) => type.startsWith(pattern.slice(0, -1));
  return (type) => type === pattern;
}

const HINT = 'write *, resource.*, *.action or resource.action, in lower case';
