import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { useCan } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Field } from '../../ui/Field.tsx';
import { Select } from '../../ui/Select.tsx';
import { TypeSelect } from '../event-types/TypeSelect.tsx';
import { useWebhookList } from '../webhooks/calls.ts';
import css from './FilterBar.module.css';
import { LAST, type LogFilter, STATUSES } from './filter.ts';
import { STATUS_NAMES } from './Status.tsx';

const ANY = 'any';
const BETWEEN = 'between';
const DAY_MS = 24 * 3_600_000;

const STATUS_OPTIONS = [{ id: ANY, title: 'Any status' }, ...STATUSES.map((id) => ({ id, title: STATUS_NAMES[id] }))];
const TIME_OPTIONS = [
  { id: ANY, title: 'Any time' },
  { id: '1h', title: 'Last hour' },
  { id: '24h', title: 'Last 24 hours' },
  { id: '7d', title: 'Last 7 days' },
  { id: BETWEEN, title: 'Between…' },
];

interface Props {
  filter: LogFilter;
  onChange: (filter: LogFilter) => void;
}

/** Narrows the logs. */
export function FilterBar({ filter, onChange }: Props) {
  const set = (change: Partial<LogFilter>) => onChange({ ...filter, ...change });
  const chosen = (id: string) => (id === ANY ? undefined : id);
  return (
    <search className={css.bar} aria-label="Filter">
      <WebhookSelect value={filter.webhook} onChange={(webhook) => set({ webhook })} />
      <Select
        label="Status"
        options={STATUS_OPTIONS}
        value={filter.status ?? ANY}
        onChange={(id) => set({ status: chosen(id) as LogFilter['status'] })}
      />
      <TypeSelect value={filter.types} onChange={(types) => set({ types })} />
      <TimeSelect filter={filter} set={set} />
      {filter.event && (
        <p className={css.event}>
          Of event <code>{filter.event}</code>
        </p>
      )}
      {Object.keys(filter).length > 0 && (
        <Button look="quiet" onPress={() => onChange({})}>
          <X aria-hidden="true" /> Clear
        </Button>
      )}
    </search>
  );
}

function WebhookSelect({ value, onChange }: { value: string | undefined; onChange: (id: string | undefined) => void }) {
  const can = useCan();
  const webhooks = useQuery({ ...useWebhookList(), enabled: can('webhooks:read') }).data ?? [];
  const listed = webhooks.map(({ id, url, description }) => ({ id, title: url.replace(/^https?:\/\//, ''), hint: description }));
  // One that was deleted is not listed any more, and what it got is still in the logs.
  const other = value !== undefined && !listed.some(({ id }) => id === value) ? [{ id: value, title: value }] : [];
  const options = [{ id: ANY, title: 'All webhooks' }, ...listed, ...other];
  return <Select label="Webhook" options={options} value={value ?? ANY} onChange={(id) => onChange(id === ANY ? undefined : id)} />;
}

function TimeSelect({ filter: { last, since, until }, set }: { filter: LogFilter; set: (change: Partial<LogFilter>) => void }) {
  const isBetween = since !== undefined || until !== undefined;
  const choose = (id: string) => {
    const start = new Date(Date.now() - DAY_MS).toISOString();
    set({ last: id in LAST ? (id as LogFilter['last']) : undefined, since: id === BETWEEN ? start : undefined, until: undefined });
  };
  return (
    <>
      <Select label="Time" options={TIME_OPTIONS} value={isBetween ? BETWEEN : (last ?? ANY)} onChange={choose} />
      {isBetween && (
        <div className={css.between}>
          <Field label="From" type="datetime-local" isRequired value={asLocal(since)} onChange={(text) => set({ since: asInstant(text) })} />
          <Field label="Until" type="datetime-local" isRequired value={asLocal(until)} onChange={(text) => set({ until: asInstant(text) })} />
        </div>
      )}
    </>
  );
}

/** An instant as the browser's field writes it: in the reader's zone, to the minute. */
function asLocal(instant: string | undefined): string {
  if (instant === undefined) return '';
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function asInstant(local: string): string | undefined {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
