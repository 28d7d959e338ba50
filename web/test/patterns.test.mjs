// The page's matcher of patterns against the vectors that every language shares.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';

import { source } from './source.mjs';

const vectors = JSON.parse(await readFile(new URL('../../vectors/patterns.json', import.meta.url), 'utf8'));

let takes, covers, withPattern;
before(async () => ({ takes, covers, withPattern } = await source('pages/webhooks/patterns.ts')));

test('T18: a pattern takes the types that the vectors say', () => {
  for (const { pattern, yes, no } of vectors.matches) {
    for (const type of yes) assert.ok(takes(pattern, type), `${pattern} takes ${type}`);
    for (const type of no) assert.ok(!takes(pattern, type), `${pattern} does not take ${type}`);
  }
});

test('T18: a pattern covers the patterns that the vectors say', () => {
  for (const { wide, narrow, not } of vectors.covers) {
    for (const other of narrow) assert.ok(covers(wide, other), `${wide} covers ${other}`);
    for (const other of not) assert.ok(!covers(wide, other), `${wide} does not cover ${other}`);
  }
});

test('W5: a wider pattern takes the place of those that it covers', () => {
  const chosen = ['ticket.created', 'boss.spawned', '*.updated'];
  assert.deepEqual(withPattern(chosen, 'ticket.*'), ['boss.spawned', '*.updated', 'ticket.*']);
  assert.deepEqual(withPattern(chosen, '*'), ['*']);
});
