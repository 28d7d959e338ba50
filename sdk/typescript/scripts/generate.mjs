// Writes `src/generated` from the API's description and the catalog of event types. With `--check`, fails where what is there
// is not what would be written.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';

import { declaration, typeOf } from './schema-types.mjs';

const ROOT = new URL('../../../', import.meta.url);
const TARGET = new URL('../src/generated/', import.meta.url);

/** Written by hand, because they are generic there: envelopes and pages. */
const BY_HAND = /^(Envelope|EnvelopeFields|.*List|Patterns|ShownOnce)$/;

const HEADER = 'Made by `npm run generate`; not to be changed by hand.';

function api() {
  const { components } = JSON.parse(readFileSync(new URL('docs/openapi.json', ROOT), 'utf8'));
  const named = Object.entries(components.schemas).filter(([name]) => !BY_HAND.test(name));
  const declarations = named.map(([name, schema]) => declaration(name, schema));
  const imports = "import type { Envelope } from '../types/event.js';\n";
  return [`// The requests and answers of the API, from docs/openapi.json. ${HEADER}\n${imports}`, ...declarations].join('\n');
}

function catalog() {
  const folder = new URL('crates/types/src/catalog/', ROOT);
  const files = readdirSync(folder).filter((file) => file.endsWith('.json')).sort();
  const rows = files.map((file) => {
    const { type, description, schema, example } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    return `  /** ${description}. */\n  '${type}': ${typeOf(withExample(schema, example), '  ')};\n`;
  });
  return (
    `// The data of the fourteen event types, from the catalog. ${HEADER}\n\n` +
    '/**\n * What each type of event carries. What the schema of a type does not speak of, and its example has, may be there: it is\n' +
    ' * `unknown`. Give a map of your own for types that you have added, or to say more of these.\n */\n' +
    `export interface CatalogEvents {\n${rows.join('')}}\n`
  );
}

/** The schema with what its example has more: there may be such fields, and nothing is promised of them. */
function withExample(schema, example) {
  const more = Object.keys(example).filter((name) => !Object.hasOwn(schema.properties, name));
  const unknowns = more.map((name) => [name, { type: 'unknown' }]);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(unknowns) } };
}

const wanted = { 'api.ts': api(), 'catalog.ts': catalog() };
const stale = Object.entries(wanted).filter(([name, text]) => read(new URL(name, TARGET)) !== text);

if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`${stale.map(([name]) => `src/generated/${name}`).join(', ')}: not fresh; run npm run generate`);
    process.exitCode = 1;
  }
} else {
  mkdirSync(TARGET, { recursive: true });
  for (const [name, text] of stale) writeFileSync(new URL(name, TARGET), text);
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
