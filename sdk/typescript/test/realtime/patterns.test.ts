import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { matcher } from '../../src/internal/pattern.js';

const { valid, invalid, matches } = JSON.parse(readFileSync(new URL('../../../../vectors/patterns.json', import.meta.url), 'utf8')) as {
  valid: string[];
  invalid: Array<{ text: string }>;
  matches: Array<{ pattern: string; yes: string[]; no: string[] }>;
};

for (const text of valid) {
  test(`T18: ${text} is a pattern`, () => {
    expect(() => matcher(text)).not.toThrow();
  });
}

for (const { text } of invalid) {
  test(`T18: ${JSON.stringify(text)} is none`, () => {
    expect(() => matcher(text)).toThrow(/is no pattern: write/);
  });
}

for (const { pattern, yes, no } of matches) {
  test(`R7, R10, T18: ${pattern} matches what it should`, () => {
    const matching = matcher(pattern);
    expect(yes.filter(matching)).toEqual(yes);
    expect(no.filter(matching)).toEqual([]);
  });
}
