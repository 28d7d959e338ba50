import type { DeliveryRow } from '@cstar/client';
import { memo } from 'react';
import { Link } from 'wouter';
import { count } from '../../ui/duration.ts';
import { Time } from '../../ui/Time.tsx';
import { useNarrow } from '../../ui/useNarrow.ts';
import { VirtualTable } from '../../ui/VirtualTable.tsx';
import css from './Deliveries.module.css';
import { standingOf } from './reason.ts';
import { Status } from './Status.tsx';

const COLUMNS = ['Status', 'Event', 'Webhook', 'What came of it', 'When'];
const ROW_PX = 60;
const NARROW_ROW_PX = 124;

/** Where each list was left, so that coming back from a delivery leads to the same place. */
const places = new Map<string, number>();

const keyOf = ({ id }: DeliveryRow) => id;

interface Props {
  rows: DeliveryRow[];
  /** The webhooks' addresses, as far as they are known. */
  urls: ReadonlyMap<string, string>;
  /** Which list this is. */
  place: string;
  onNearEnd: () => void;
  /** Whether there may be more than `rows`. */
  isLooking: boolean;
}

export function Deliveries({ rows, urls, place, onNearEnd, isLooking }: Props) {
  const isNarrow = useNarrow();
  return (
    <>
      <VirtualTable
        // Each list begins where it was left, which is read once.
        key={place}
        label="Deliveries, newest first"
        columns={COLUMNS}
        className={css.table}
        rows={rows}
        rowKey={keyOf}
        rowHeightPx={isNarrow ? NARROW_ROW_PX : ROW_PX}
        rowClassName={({ status }) => (status === 'failed' ? css.failed : undefined)}
        startPx={places.get(place) ?? 0}
        onScroll={(px) => places.set(place, px)}
        onNearEnd={onNearEnd}
      >
        {(row) => <Cells row={row} url={urls.get(row.webhook_id)} />}
      </VirtualTable>
      <p className={css.count} role="status">
        {isLooking ? `${count(rows.length, 'delivery', 'deliveries')} so far; scroll for older ones` : count(rows.length, 'delivery', 'deliveries')}
      </p>
    </>
  );
}

const Cells = memo(function Cells({ row, url }: { row: DeliveryRow; url: string | undefined }) {
  const { id, event_id, event_type, webhook_id, attempts, created_at, next_attempt_at, status } = row;
  const to = url?.replace(/^https?:\/\//, '') ?? webhook_id;
  return (
    <>
      <span role="cell" className={css.status}>
        <Status status={status} />
      </span>
      <span role="cell" className={css.event}>
        <Link href={`/logs/${id}`}>
          <code>{event_type}</code>
        </Link>
        <code className={css.faint}>{event_id}</code>
      </span>
      <span role="cell" className={css.to} title={url ?? webhook_id}>
        {to}
      </span>
      <span role="cell" className={css.what}>
        <span className={css.reason}>{standingOf(row)}</span>
        {status === 'retrying' && next_attempt_at && (
          <span className={css.next}>
            Next attempt <Time at={next_attempt_at} relative />
          </span>
        )}
      </span>
      <span role="cell" className={css.when}>
        <Time at={created_at} relative />
        <span className={css.faint}>{count(attempts, 'attempt')}</span>
      </span>
    </>
  );
});
