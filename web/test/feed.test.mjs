// What the live page keeps and shows of the stream.
import assert from 'node:assert/strict';
import { before, beforeEach, test } from 'node:test';

import { source } from './source.mjs';

let Feed, ROWS_MAX, CHARACTERS_MAX, rows, pretty;
before(async () => {
  ({ Feed, ROWS_MAX, CHARACTERS_MAX } = await source('pages/live/feed.ts'));
  rows = await source('pages/live/rows.ts');
  ({ pretty } = await source('ui/json.ts'));
});

let feed, frames;
const frame = () => frames.splice(0).forEach((run) => run());
const event = (number, more = {}) => ({ kind: 'event', key: `1.${number}`, id: `evt_${number}`, type: 'ticket.created', createdAt: '', text: '{}', ...more });
const keys = () => feed.shown().rows.map(({ key }) => key);
beforeEach(() => {
  frames = [];
  feed = new Feed((run) => frames.push(run));
});

test('rows are shown newest first, all of a frame at once', () => {
  let told = 0;
  feed.subscribe(() => (told += 1));
  for (let number = 1; number <= 1000; number++) feed.add(event(number));
  assert.deepEqual(keys(), []);
  frame();
  assert.equal(told, 1);
  assert.deepEqual([keys().length, keys()[0], keys().at(-1)], [1000, '1.1000', '1.1']);
});

test('while it is held nothing moves, and what waits is counted', () => {
  feed.add(event(1));
  frame();
  feed.hold(true);
  feed.add(event(2));
  feed.add(event(3));
  frame();
  assert.deepEqual(keys(), ['1.1']);
  assert.equal(feed.shown().waiting, 2);
  feed.hold(false);
  frame();
  assert.deepEqual(keys(), ['1.3', '1.2', '1.1']);
  assert.equal(feed.shown().waiting, 0);
});

test('what is wanted while it is held is looked for in what was there before', () => {
  feed.add(event(1));
  feed.add(event(2, { type: 'boss.spawned' }));
  frame();
  feed.hold(true);
  feed.add(event(3));
  feed.add(event(4, { type: 'boss.spawned' }));
  frame();
  feed.want(rows.wanted('boss.*', ''));
  assert.deepEqual([keys(), feed.shown().waiting], [['1.2'], 1]);
  feed.add(event(5, { type: 'boss.spawned' }));
  frame();
  assert.deepEqual([keys(), feed.shown().waiting], [['1.2'], 2]);
  feed.want(rows.wanted(undefined, ''));
  assert.deepEqual([keys(), feed.shown().waiting], [['1.2', '1.1'], 3]);
  feed.hold(false);
  frame();
  assert.deepEqual(keys(), ['1.5', '1.4', '1.3', '1.2', '1.1']);
});

test('what is wanted changes what is shown of all that came, and gaps are always shown', () => {
  feed.add(event(1));
  feed.add(rows.gapRow({ from: '1.1', to: '1.5', reason: 'expired' }));
  feed.add(event(6, { type: 'boss.spawned' }));
  feed.want(rows.wanted('boss.*', ''));
  assert.deepEqual(keys(), ['1.6', 'gap 1.1 1.5']);
  feed.add(event(7));
  frame();
  assert.deepEqual(keys(), ['1.6', 'gap 1.1 1.5']);
  feed.want(rows.wanted(undefined, ''));
  assert.deepEqual(keys(), ['1.7', '1.6', 'gap 1.1 1.5', '1.1']);
});

test('the newest are kept, by number and by size', () => {
  for (let number = 0; number < ROWS_MAX * 2; number++) feed.add(event(number));
  frame();
  assert.equal(keys().length, ROWS_MAX);
  assert.equal(keys()[0], `1.${ROWS_MAX * 2 - 1}`);
  assert.equal(feed.shown().came, ROWS_MAX * 2);

  feed.clear();
  const text = 'x'.repeat(1024 * 1024);
  const fit = CHARACTERS_MAX / text.length;
  for (let number = 0; number < fit * 3; number++) feed.add(event(number, { text }));
  frame();
  assert.ok(keys().length >= fit && keys().length <= fit * 1.25, `${keys().length} rows of a mebibyte`);
});

test('a row that is let go is not shown any more, even if nothing that is wanted is left', () => {
  feed.add(event(0, { type: 'boss.spawned' }));
  feed.want(rows.wanted('boss.*', ''));
  for (let number = 1; number <= ROWS_MAX * 2; number++) feed.add(event(number));
  frame();
  assert.deepEqual(keys(), []);
});

test('a search takes what was typed as it is, in whatever case', () => {
  const row = event(1, { text: '{"title":"A (new) TICKET"}', id: 'evt_9' });
  for (const [search, is] of [['(new) ticket', true], ['EVT_9', true], ['.created', true], ['new.ticket', false], ['  ', true]]) {
    assert.equal(rows.wanted(undefined, search)(row), is, search);
  }
  assert.equal(rows.wanted('*.closed', '')(row), false);
});

test('T9: the data that handlers see a second time stands in a row once', () => {
  const envelope = (type, data) => ({ id: 'evt_1', type, team_id: '', created_at: '', data });
  const data = { id: '7', title: 'A' };
  assert.equal(rows.eventRow(envelope('ticket.created', { ...data, ticket: data }), '1.1').text, '{"id":"7","title":"A"}');
  const own = { ticket: { id: '7' }, message: { id: '8' } };
  assert.equal(rows.eventRow(envelope('ticket.message_added', own), '1.2').text, JSON.stringify(own));
});

/** Lists in lists, which grow with the square of their depth where they are laid out. */
const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);

test('marks that turn the direction of text are shown as what they are, and the JSON stays the same', () => {
  const text = JSON.stringify({ name: 'a\u202Eb\u2066c\u200f' });
  const shown = pretty(text);
  assert.doesNotMatch(shown, /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  assert.deepEqual(JSON.parse(shown), JSON.parse(text));
  for (const other of ['<html>', '', '1', '"text"', 'null', nested(4096), nested(100_000)]) assert.equal(pretty(other), undefined);
});
