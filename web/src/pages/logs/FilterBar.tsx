import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { useState } from 'react';
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

/** Whether it takes the place of the last one in the window's history. */
interface How {
  replace: boolean;
}

export type SetFilter = (filter: LogFilter, how?: How) => void;

interface Props {
  filter: LogFilter;
  onChange: SetFilter;
}

/** Narrows the logs. */
export function FilterBar({ filter, onChange }: Props) {
  const set = (change: Partial<LogFilter>, how?: How) => onChange({ ...filter, ...change }, how);
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

interface TimeProps {
  filter: LogFilter;
  set: (change: Partial<LogFilter>, how?: How) => void;
}

function TimeSelect({ filter: { last, since, until }, set }: TimeProps) {
  // Both fields may be empty, and are still there to be filled.
  const [isOpen, open] = useState(false);
  const isBetween = since !== undefined || until !== undefined || (isOpen && last === undefined);
  const choose = (id: string) => {
    open(id === BETWEEN);
    const start = new Date(Date.now() - DAY_MS).toISOString();
    set({ last: id in LAST ? (id as LogFilter['last']) : undefined, since: id === BETWEEN ? start : undefined, until: undefined });
  };
  const change = (change: Partial<LogFilter>) => {
    open(true);
    set(change, { replace: true });
  };
  return (
    <>
      <Select label="Time" options={TIME_OPTIONS} value={isBetween ? BETWEEN : (last ?? ANY)} onChange={choose} />
      {isBetween && (
        <div className={css.between}>
          <Instant label="From" at={since} onChange={(since) => change({ since })} />
          <Instant label="Until" at={until} onChange={(until) => change({ until })} />
        </div>
      )}
    </>
  );
}

/** A time that is asked for once it is whole, not with each digit. */
function Instant({ label, at, onChange }: { label: string; at: string | undefined; onChange: (at: string | undefined) => void }) {
  const [typed, type] = useState<string>();
  const take = () => {
    if (typed === undefined) return;
    type(undefined);
    onChange(asInstant(typed));
  };
  return (
    <Field
      label={label}
      type="datetime-local"
      isRequired
      value={typed ?? asLocal(at)}
      onChange={type}
      onBlur={take}
      onKeyDown={({ key }) => key === 'Enter' && take()}
    />
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
