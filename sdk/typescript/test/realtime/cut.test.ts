// A server that keeps its word, and a network that does not.
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Session, type Block } from '../../src/internal/stream/session.js';
import { block, event, ready } from '../support/scenario.js';

/** The stream of a log that keeps `oldest..=head`, as the server writes it, the filter leaving out what is not a multiple. */
function stream(cursor: string | undefined, oldest: number, head: number, every: number): string {
  const seen = cursor === undefined ? oldest - 1 : Number(cursor.split('.')[1]);
  let passed = seen;
  let text = ready(`1.${seen}`, { resumed: cursor !== undefined });
  if (seen + 1 < oldest) {
    passed = oldest - 1;
    text += block('cstar.gap', `1.${passed}`, { from: `1.${seen}`, to: `1.${passed}`, reason: 'expired' });
  }
  for (let seq = passed + 1; seq <= head; seq += 1) {
    text += seq % every === 0 ? event(`1.${seq}`) : block('cstar.heartbeat', `1.${seq}`, {});
  }
  return text + block('cstar.end', undefined, {});
}

type Given = { event: number } | { gap: [number, number] };

/** Reads one connection; true if it came to its end. */
function read(session: Session, text: string, chunk: number, given: Given[]): boolean {
  session.begin();
  const blocks: Block[] = [];
  const parser = createParser({ onEvent: (one) => blocks.push(one) });
  for (let at = 0; at < text.length; at += chunk) parser.feed(text.slice(at, at + chunk));
  for (const effect of blocks.flatMap((one) => session.take(one))) {
    if (effect.kind === 'event') given.push({ event: seqOf(effect.position) });
    if (effect.kind === 'gap') given.push({ gap: [seqOf(effect.gap.from!) + 1, seqOf(effect.gap.to)] });
    if (effect.kind === 'end') return true;
  }
  return false;
}

const seqOf = (position: string): number => Number(position.split('.')[1]);

test('R6, T16, RT-1, RT-2: wherever connections break, and however retention moves, each event comes once and in order, or lies in a gap that was told', () => {
  const cut = fc.record({ at: fc.nat(9000), expired: fc.nat(3), chunk: fc.integer({ min: 1, max: 199 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 39 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(9),
      fc.array(cut, { maxLength: 7 }),
      (head, every, asked, cuts) => {
        const after = Math.min(asked, head);
        const session = new Session(`1.${after}`, true);
        const given: Given[] = [];
        let oldest = 1;
        for (const { at, expired, chunk } of cuts) {
          oldest = Math.min(oldest + expired, head + 1);
          const text = stream(session.cursor, oldest, head, every);
          expect(read(session, text.slice(0, Math.min(at, text.length - 1)), chunk, given)).toBe(false);
        }
        expect(read(session, stream(session.cursor, oldest, head, every), 64, given)).toBe(true);

        let next = after + 1;
        const allLeftOut = (to: number): void => {
          for (; next < to; next += 1) expect(next % every).not.toBe(0);
        };
        for (const one of given) {
          if ('event' in one) {
            allLeftOut(one.event);
            expect([one.event, one.event % every]).toEqual([next, 0]);
            next = one.event + 1;
          } else {
            allLeftOut(one.gap[0]);
            next = one.gap[1] + 1;
          }
        }
        allLeftOut(head + 1);
        expect(session.cursor).toBe(`1.${Math.max(head, oldest - 1)}`);
      },
    ),
    { numRuns: 500 },
  );
});
