// Guides whose commands are run: what a page says that a command prints, held against what it prints.
import assert from 'node:assert/strict';

export const ID = /\b(?:wh|dlv|op|evt_test)_[0-9a-z]{26}\b/g;

/** The commands of a guide, each with the lines that it prints. */
export function steps(text) {
  const found = [];
  for (const [, block] of text.matchAll(/^```console\n(.*?)^```$/gms)) {
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) found.push({ command: line.slice(2), lines: [] });
      else found.at(-1).lines.push(line);
    }
  }
  return found;
}

/** What differs from run to run, but for ids. */
const plain = (line) => line
  .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
  .replace(/whsec_[\w+/=]+/g, 'SECRET')
  .replace(/\b\d+ ms\b/g, 'N ms');

/** Holds the lines against the guide's, where `…` stands for any; learns which id stands for which. */
export function compare(command, expected, actual, ids) {
  let at = 0;
  for (const [number, line] of expected.entries()) {
    if (line.trim() === '…') {
      const next = plain(expected[number + 1]).replace(ID, 'ID');
      while (at < actual.length && plain(actual[at]).replace(ID, 'ID') !== next) at += 1;
      continue;
    }
    const shown = actual[at] ?? '(nothing more)';
    assert.equal(plain(shown).replace(ID, 'ID'), plain(line).replace(ID, 'ID'), command);
    const real = shown.match(ID) ?? [];
    for (const [place, id] of (line.match(ID) ?? []).entries()) {
      assert.equal(ids.get(id) ?? real[place], real[place], `${command}: ${id} is another one`);
      ids.set(id, real[place]);
    }
    at += 1;
  }
  assert.equal(actual.length, at, `${command} prints more: ${actual.slice(at).join('\n')}`);
}
