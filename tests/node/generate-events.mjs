// Events as an application might write them by hand: `data` is JSON text, not an object, so that 1.0, -0, 1e2, escapes,
// white space and the order of keys reach the server as they stand.
import { EVENT_TYPES } from './event-types.mjs';
import { Random } from './random.mjs';

/** The server's limit on an envelope, unless set otherwise. */
export const ENVELOPE_MAX_BYTES = 64 * 1024;
/** Nesting that the server takes at most, counted in the envelope, whose `data` is the second level. */
const ENVELOPE_MAX_DEPTH = 64;

const NUMBERS = [
  '0', '-0', '0.0', '-0.0', '1.0', '1.50', '-1.25', '1e2', '1E+2', '1e-7', '1e-6', '1e20', '1e21', '123456789e-5', '0e5',
  '0.1', '0.30000000000000004', '4.35', '5e-324', '2.2250738585072014e-308', '1e-400', '1.7976931348623157e308',
  '9007199254740991', '-9007199254740992', '9007199254740993.0', '100000000000000000000', '10000000000000000000000',
  '18446744073709551616', '0.3333333333333333333333333333333333333333',
];
const STRINGS = [
  '""', '" "', '"plain"', '"Grüße, Ærøskøbing"', '"日本語のチケット"', '"🎉👩‍👩‍👧"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00 and 😀"',
  '"\u2028\u2029"', '"\\u2028\\u2029"', '"\\"quoted\\" \\\\ \\/ /"', '"\\b\\f\\n\\r\\t"', '"\\u0000\\u001F\\u007f\u007f"', '"\\u0041\\u00e9"',
  '"\ufeffmark"', '"</script><!--"', '"e\u0301 and é"', '"\\u003cb\\u003e"', '"-0"', '"1e2"', '"\ud7ff\ue000\uffff"',
];
const WORDS = ['true', 'false', 'null'];
const EMPTY = ['{}', '[]', '""', 'null', '[[]]', '[{}]', '{"":""}', '{"":{}}'];
// Array indices sort first in JavaScript; what only looks like one does not.
const INDEX_KEYS = ['"0"', '"10"', '"9"', '"2"', '"4294967294"', '"4294967295"', '"01"', '"-1"', '"1.0"', '"\\u0033"'];
// `constructor` is a name like any other as long as no `prototype` is in it, which is refused.
const NAME_KEYS = [
  '"note"', '"b"', '"a"', '"größe"', '"キー"', '"😀"', '"\\u006bey"', '"with space"', '"\\n"', '"quote\\""', '"\u2028"', '""',
  '"constructor"', '"toJSON"', '"length"', '"hasOwnProperty"',
];
const SPACE = ['', '', '', ' ', '\n', '\t', '\r\n  '];

/** `count` events over all types in turn, the same for the same seed: `{ type, data }` with `data` as text. */
export function generateEvents({ seed, count }) {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => {
    const type = EVENT_TYPES[index % EVENT_TYPES.length];
    return { type, data: dataOf(type, SHAPES[Math.floor(index / EVENT_TYPES.length) % SHAPES.length], random) };
  });
}

/** One event whose envelope is as long as the server takes, to the byte. */
export function largestEvent(type) {
  const members = required(type, new Random(1));
  return { type, data: padded(type, members, ENVELOPE_MAX_BYTES) };
}

/** What is looked at in turn; each type meets each. */
const SHAPES = [ordinary, ordinary, numbers, strings, indexKeys, deep, empties, ordinary, large];

function dataOf(type, shape, random) {
  const members = required(type, random);
  const more = shape(type, random, members);
  if (typeof more === 'string') return more;
  // A stranger's keys come before, between and after those that the schema asks for.
  const mixed = [...members];
  for (const member of more) mixed.splice(random.below(mixed.length + 1), 0, member);
  return object(mixed, random);
}

function required(type, random) {
  const ticket = [
    ['"id"', `"${random.uuid()}"`],
    ['"title"', random.pick(STRINGS)],
    ['"status"', random.pick(['"new"', '"open"', '"closed"'])],
    ['"priority"', random.pick(['"low"', '"high"'])],
  ];
  if (type === 'ticket.message_added') {
    const message = [['"id"', `"${random.uuid()}"`], ['"body"', random.pick(STRINGS)]];
    return [['"ticket"', object(ticket, random)], ['"message"', object(message, random)]];
  }
  return type.startsWith('ticket.') ? ticket : ticket.slice(0, 1);
}

function ordinary(_type, random) {
  return members(random, 1 + random.below(8), [...NAME_KEYS, ...INDEX_KEYS], () => value(random, 3));
}

function numbers(_type, random) {
  return [['"numbers"', array([...NUMBERS, ...Array.from({ length: 20 }, () => double(random))], random)]];
}

function strings(_type, random) {
  return [['"strings"', array(STRINGS, random)], ...members(random, NAME_KEYS.length, NAME_KEYS, () => random.pick(STRINGS))];
}

function indexKeys(_type, random) {
  return members(random, INDEX_KEYS.length, INDEX_KEYS, () => value(random, 2));
}

function deep(_type, random) {
  let nested = '1.0';
  // `data` itself is a level, and so is the envelope.
  for (let level = 0; level < ENVELOPE_MAX_DEPTH - 2; level += 1) {
    nested = random.chance(0.5) ? array([nested], random) : object([[random.pick(NAME_KEYS), nested]], random);
  }
  return [['"deep"', nested]];
}

function empties(_type, random) {
  return EMPTY.map((empty, index) => [`"empty${index}"`, empty]).concat([['""', random.pick(EMPTY)]]);
}

function large(type, random, members) {
  return padded(type, members, ENVELOPE_MAX_BYTES - random.below(1024));
}

function value(random, depth) {
  const leaf = () => random.pick([() => random.pick(NUMBERS), () => double(random), () => random.pick(STRINGS), () => random.pick(WORDS)])();
  if (depth === 0 || random.chance(0.6)) return leaf();
  const size = random.below(5);
  if (random.chance(0.4)) return array(Array.from({ length: size }, () => value(random, depth - 1)), random);
  return object(members(random, size, [...NAME_KEYS, ...INDEX_KEYS], () => value(random, depth - 1)), random);
}

/** A double from random bits, written in one of the ways that applications write it; each holds a point or an exponent. */
function double(random) {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, random.below(2 ** 32));
  bits.setUint32(4, random.below(2 ** 32));
  const number = bits.getFloat64(0);
  const text = random.pick([
    () => number.toExponential(),
    () => number.toExponential(random.below(20)),
    () => (random.next() * 1000 - 500).toFixed(1 + random.below(12)),
  ])();
  // Not a number, or the largest ones rounded up.
  return Number.isFinite(Number(text)) ? text : '0.5';
}

/** Up to `count` members with different keys, compared as a reader sees them. */
function members(random, count, keys, make) {
  const chosen = new Map();
  for (let turn = 0; turn < count; turn += 1) {
    const key = random.pick(keys);
    chosen.set(JSON.parse(key), [key, make()]);
  }
  return [...chosen.values()];
}

function object(members, random) {
  const space = () => random.pick(SPACE);
  return `{${space()}${members.map(([key, value]) => `${key}${space()}:${space()}${value}${space()}`).join(`,${space()}`)}}`;
}

function array(values, random) {
  return `[${values.map((value) => `${random.pick(SPACE)}${value}${random.pick(SPACE)}`).join(',')}]`;
}

/** `data` with a filling of two-byte characters that brings the envelope to `length` bytes. */
function padded(type, members, length) {
  const text = (filling) => `{${[...members, ['"filling"', `"${filling}"`]].map(([key, value]) => `${key}: ${value}`).join(', ')}}`;
  const envelope = {
    id: `evt_${'0'.repeat(26)}`,
    type,
    team_id: '00000000-0000-0000-0000-000000000000',
    created_at: '2025-12-10T14:30:00Z',
    data: JSON.parse(text('')),
  };
  const room = length - Buffer.byteLength(JSON.stringify(envelope));
  return text('é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2));
}
