// The shared test vectors against the real thing: what they say of JavaScript is what Node does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const { cases } = JSON.parse(readFileSync(new URL('../../vectors/json.json', import.meta.url), 'utf8'));

test('T1: the canonical form in every vector is what JSON.stringify(JSON.parse(input)) prints', () => {
  const accepted = cases.filter(({ input, output }) => input !== undefined && output !== undefined);
  assert.ok(accepted.length > 50);
  for (const { name, input, output } of accepted) {
    assert.equal(JSON.stringify(JSON.parse(input)), output, name);
    assert.equal(JSON.stringify(JSON.parse(output)), output, `${name}, twice`);
  }
});
