// JSON Schema to TypeScript, as far as the API's description and the catalog go.

/** A named schema as a declaration: an interface where it is an object with properties, else a type. */
export function declaration(name, schema) {
  const doc = comment(schema.description, '');
  if (schema.properties !== undefined) return `${doc}export interface ${name} ${typeOf(schema, '')}\n`;
  return `${doc}export type ${name} = ${typeOf(schema, '')};\n`.replace('= \n', '=\n');
}

/** The type of a schema's values, its lines behind the first one indented. */
export function typeOf(schema, indent) {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const).replaceAll('"', "'");
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return union(alternatives.map((one) => typeOf(one, indent)), indent);
  const types = [schema.type].flat().map((type) => ofType(type, schema, indent));
  return types.join(' | ');
}

function ofType(type, schema, indent) {
  switch (type) {
    case 'array':
      return arrayOf(typeOf(schema.items, indent));
    case 'object':
      return object(schema, indent);
    case 'integer':
      return 'number';
    default:
      return type;
  }
}

function object({ properties, required = [], additionalProperties }, indent) {
  if (properties === undefined) {
    const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown';
    return `Record<string, ${values}>`;
  }
  const inner = `${indent}  `;
  const rows = Object.entries(properties).map(([name, schema]) => {
    const mark = required.includes(name) ? '' : '?';
    return `${comment(schema.description, inner)}${inner}${name}${mark}: ${typeOf(schema, inner)};\n`;
  });
  return `{\n${rows.join('')}${indent}}`;
}

const arrayOf = (type) => (type.includes(' ') && !type.startsWith('{') ? `Array<${type}>` : `${type}[]`);

function union(types, indent) {
  const inline = types.join(' | ');
  return inline.length <= 80 && !inline.includes('\n') ? inline : types.map((type) => `\n${indent}  | ${type}`).join('');
}

/** A key that is shown once is a text, and patterns are texts. */
function nameOf(ref) {
  const name = ref.split('/').at(-1);
  return { ShownOnce: 'string', Patterns: 'string[]', EnvelopeFields: 'Envelope' }[name] ?? name;
}

/** A description as a doc comment, less what it says to readers of Rust. */
function comment(description, indent) {
  if (!description) return '';
  const text = description
    .split('  ')[0]
    .replaceAll(/\[(`[^`]*`)\](\([^)]*\))?/g, '$1')
    .replaceAll('`Some(None)`, written `null`,', '`null`')
    .replaceAll(/`None`/g, '`null`')
    .replaceAll(/\bNone\b/g, '`null`');
  return `${indent}/** ${text.replaceAll('*/', '*\\/')} */\n`;
}
