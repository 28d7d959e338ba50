// From what the stream tells to rows, and which of them are wanted. Pure.
import type { Envelope, Gap } from '@cstar/client';
import { takes } from '../webhooks/patterns.ts';
import type { EventRow, GapRow, Wanted } from './feed.ts';

export function eventRow({ id, type, created_at, data }: Envelope, position: string): EventRow {
  return { kind: 'event', key: position, id, type, createdAt: created_at, text: JSON.stringify(flat(type, data)) };
}

export function gapRow(gap: Gap): GapRow {
  return { kind: 'gap', key: `gap ${gap.from} ${gap.to}`, gap, text: '' };
}

/** Handlers see the data under the name of its resource too (T9): here it stands once. */
function flat(type: string, data: Record<string, unknown>): Record<string, unknown> {
  const { [type.slice(0, type.indexOf('.'))]: within, ...rest } = data;
  const isAdded = typeof within === 'object' && within !== null && JSON.stringify(within) === JSON.stringify(rest);
  return isAdded ? rest : data;
}

/** Rows of a pattern that hold a text somewhere, in whatever case. */
export function wanted(pattern: string | undefined, search: string): Wanted {
  const words = new RegExp(search.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  const ofType = (type: string) => pattern === undefined || takes(pattern, type);
  return ({ type, id, text }) => ofType(type) && (search.trim() === '' || words.test(text) || words.test(type) || words.test(id));
}

const BECAUSE: Record<Gap['reason'], string> = {
  expired: 'they are not kept any more',
  restored: 'the server was restored from a backup, and its log goes on elsewhere',
  unknown: 'the place where this page stood is not in the log any more',
};

export function gapSentence({ from, to, reason }: Gap): string {
  return `Events ${from === null ? `up to ${to}` : `after ${from}, up to ${to},`} were missed: ${BECAUSE[reason]}.`;
}
