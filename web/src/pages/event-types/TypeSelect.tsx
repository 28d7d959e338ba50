import { useQuery } from '@tanstack/react-query';
import { Select } from '../../ui/Select.tsx';
import { useEventTypes } from '../webhooks/calls.ts';

const ANY = 'any';

interface Props {
  value: string | undefined;
  onChange: (pattern: string | undefined) => void;
}

/** One pattern: a type of the catalog, or all of a resource. */
export function TypeSelect({ value, onChange }: Props) {
  const types = useQuery(useEventTypes()).data?.map(({ type }) => type) ?? [];
  const wildcards = new Set(types.map((type) => `${type.split('.')[0]}.*`));
  const patterns = [...wildcards].flatMap((all) => [all, ...types.filter((type) => type.startsWith(all.slice(0, -1)))]);
  const other = value !== undefined && !patterns.includes(value) ? [value] : [];
  const options = [{ id: ANY, title: 'All types' }, ...[...other, ...patterns].map((id) => ({ id, title: id }))];
  return <Select label="Event type" options={options} value={value ?? ANY} onChange={(id) => onChange(id === ANY ? undefined : id)} />;
}
