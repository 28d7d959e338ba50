import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { matcher } from '../../src/internal/pattern.js';

const { valid, invalid, matches } = JSON.parse(readFileSync(new URL('../../../../vectors/patterns.json', import.meta.url), 'utf8')) as {
  valid: string[];
  invalid: Array<{ text: string }>;
  matches: Array<{ pattern: string; yes: string[]; no: string[] }>;
};

test.each(valid)('T18: %j is a pattern', (text) => {
  expect(() => matcher(text)).not.toThrow();
});

test.each(invalid)('T18: $text is none', ({ text }) => {
  expect(() => matcher(text)).toThrow(/is no pattern: write/);
});

test.each(matches)('R7, R10, T18: $pattern matches what it should', ({ pattern, yes, no }) => {
  const matching = matcher(pattern);
  expect(yes.filter(matching)).toEqual(yes);
  expect(no.filter(matching)).toEqual([]);
});
