import type { EventTypeEntry } from '@cstar/client';
import { useState } from 'react';
import { Chip } from '../../ui/Badge.tsx';
import { Check } from '../../ui/Check.tsx';
import { count } from '../../ui/duration.ts';
import { Field } from '../../ui/Field.tsx';
import css from './EventPicker.module.css';
import { anyTakes, covers, withPattern } from './patterns.ts';

interface Props {
  types: EventTypeEntry[];
  value: string[];
  onChange: (patterns: string[]) => void;
  error?: string | undefined;
}

/** Chooses events: everything, all of a resource, or single types, each with when it fires. */
export function EventPicker({ types, value, onChange, error }: Props) {
  const taken = types.filter(({ type }) => anyTakes(value, type)).length;
  const toggle = (pattern: string) => (isOn: boolean) =>
    onChange(isOn ? withPattern(value, pattern) : value.filter((other) => other !== pattern));
  return (
    <fieldset className={css.picker} aria-label="Events" aria-describedby={error ? 'events-error' : undefined}>
      {error && (
        <p id="events-error" className={css.error} role="alert">
          {error}
        </p>
      )}
      <div className={css.all}>
        <span className={css.count} role="status">
          {taken} of {count(types.length, 'type')}
        </span>
        <Check isSelected={value.includes('*')} onChange={toggle('*')} isInvalid={Boolean(error)}>
          <span className={css.name}>
            All events <Chip>*</Chip>
          </span>
          <span className={css.hint}>Types that are added later, too.</span>
        </Check>
      </div>
      <div className={css.groups}>
        {byResource(types).map(([resource, ofResource]) => (
          <Resource key={resource} resource={resource} types={ofResource} value={value} toggle={toggle} />
        ))}
      </div>
      <OtherPatterns types={types} value={value} onChange={onChange} />
    </fieldset>
  );
}

interface ResourceProps {
  resource: string;
  types: EventTypeEntry[];
  value: string[];
  toggle: (pattern: string) => (isOn: boolean) => void;
}

function Resource({ resource, types, value, toggle }: ResourceProps) {
  const all = `${resource}.*`;
  const isCovered = (pattern: string) => value.some((other) => other !== pattern && covers(other, pattern));
  const some = types.some(({ type }) => anyTakes(value, type));
  const isAll = value.some((pattern) => covers(pattern, all));
  return (
    <div className={css.group} role="group" aria-label={resource}>
      <Check isSelected={isAll} isIndeterminate={some && !isAll} isDisabled={isCovered(all)} onChange={toggle(all)}>
        <span className={css.name}>
          All of {resource} <Chip>{all}</Chip>
        </span>
      </Check>
      <ul className={css.types}>
        {types.map(({ type, fires_on }) => (
          <li key={type}>
            <Check isSelected={anyTakes(value, type)} isDisabled={isCovered(type)} onChange={toggle(type)}>
              <code className={css.type}>{type}</code>
              <span className={css.hint}>{plain(fires_on)}</span>
            </Check>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Patterns across resources, and types that are not in the catalog yet. */
function OtherPatterns({ types, value, onChange }: Pick<Props, 'types' | 'value' | 'onChange'>) {
  const known = new Set(['*', ...types.flatMap(({ type }) => [type, `${type.split('.')[0]}.*`])]);
  const others = value.filter((pattern) => !known.has(pattern));
  const [text, setText] = useState(others.join(', '));
  const change = (next: string) => {
    setText(next);
    const before = listed(text);
    onChange([...new Set([...value.filter((pattern) => !before.includes(pattern)), ...listed(next)])]);
  };
  // What has a box of its own shows there, once its name is written out.
  const leave = () => setText(listed(text).filter((pattern) => !known.has(pattern)).join(', '));
  return (
    <Field
      label="Other patterns"
      mono
      placeholder="*.created"
      value={text}
      onChange={change}
      onBlur={leave}
      hint="Separated by commas: *.created takes what any resource creates."
    />
  );
}

function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function byResource(types: EventTypeEntry[]): [string, EventTypeEntry[]][] {
  return [...Map.groupBy(types, ({ type }) => type.split('.')[0]!)];
}

/** Descriptions mark code with backquotes, which need no marks here. */
function plain(text: string): string {
  return text.replaceAll('`', '');
}
