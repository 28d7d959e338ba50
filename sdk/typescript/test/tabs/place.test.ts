import fc from 'fast-check';
import { expect, test } from 'vitest';

import { placed, type Step } from '../../src/internal/tabs/place.js';

const step = (from: string | undefined, to: string | undefined, isGap = false): Step => ({ from, to, isGap });

test.each([
  { at: '1.5', of: step('1.5', '1.6'), is: 'news' },
  { at: '1.5', of: step('1.5', '1.9'), is: 'news' },
  { at: '1.5', of: step('1.4', '1.5'), is: 'old' },
  { at: '1.5', of: step('1.3', '1.4'), is: 'old' },
  { at: '1.5', of: step('1.4', '1.6'), is: 'news' },
  { at: '1.5', of: step('1.6', '1.7'), is: 'hole' },
  { at: '1.5', of: step('1.6', '1.6'), is: 'hole' },
  { at: '1.5', of: step(undefined, '1.6'), is: 'hole' },
  { at: '1.5', of: step(undefined, '1.5'), is: 'old' },
  { at: '1.5', of: step(undefined, undefined), is: 'old' },
  { at: '1.5', of: step('2.4', '2.5'), is: 'hole' },
  { at: '1.5', of: step('1.5', '2.4', true), is: 'news' },
  { at: '1.9', of: step('1.9', '1.5', true), is: 'news' },
  { at: '1.7', of: step('1.9', '1.5', true), is: 'hole' },
  { at: undefined, of: step('1.5', '1.6'), is: 'hole' },
  { at: undefined, of: step(undefined, undefined), is: 'old' },
  { at: '0', of: step('1.5', '1.6'), is: 'hole' },
])('T16: at $at, a step from $of.from to $of.to is $is', ({ at, of, is }) => {
  expect(placed(at, of)).toBe(is);
});

test('T16, RT-1: whatever is lost, repeated or late on the way, each event is taken once and in order', () => {
  const fate = fc.constantFrom('arrives', 'is lost', 'comes twice');
  const tab = fc.record({ at: fc.nat(5), fates: fc.array(fate, { minLength: 30, maxLength: 30 }) });
  fc.assert(
    fc.property(tab, ({ at, fates }) => {
      const begun = at;
      let cursor = at;
      const seen: number[] = [];
      const take = (to: number): void => {
        seen.push(...Array.from({ length: to - cursor }, (_, index) => cursor + 1 + index));
        cursor = to;
      };
      for (const [index, what] of fates.entries()) {
        for (let times = what === 'is lost' ? 0 : what === 'arrives' ? 1 : 2; times > 0; times -= 1) {
          const is = placed(`1.${cursor}`, step(`1.${index}`, `1.${index + 1}`));
          if (is === 'hole') take(index + 1); // It asks the server for all up to now.
          if (is === 'news') {
            expect(cursor).toBe(index);
            take(index + 1);
          }
        }
      }
      expect(seen).toEqual(Array.from({ length: cursor - begun }, (_, index) => begun + 1 + index));
    }),
  );
});
