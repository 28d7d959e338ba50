import { memo, type RefObject } from 'react';
import { Link, useSearch } from 'wouter';
import { Badge } from '../../ui/Badge.tsx';
import { withoutTurning } from '../../ui/json.ts';
import { Time } from '../../ui/Time.tsx';
import { useNarrow } from '../../ui/useNarrow.ts';
import { VirtualTable } from '../../ui/VirtualTable.tsx';
import css from './EventTable.module.css';
import type { EventRow, Row } from './feed.ts';
import { gapSentence } from './rows.ts';

const COLUMNS = ['Time', 'Type', 'Data'];
const ROW_PX = 42;
const NARROW_ROW_PX = 66;
/** More does not fit into a row. */
const SHOWN_CHARACTERS = 240;

const keyOf = ({ key }: Row) => key;

interface Props {
  rows: readonly Row[];
  frame: RefObject<HTMLDivElement | null>;
  onScroll: (px: number) => void;
}

export function EventTable({ rows, frame, onScroll }: Props) {
  const isNarrow = useNarrow();
  const search = useSearch();
  return (
    <VirtualTable
      label="Events, newest first"
      columns={COLUMNS}
      className={css.table}
      rows={rows}
      rowKey={keyOf}
      rowHeightPx={isNarrow ? NARROW_ROW_PX : ROW_PX}
      rowClassName={({ kind }) => (kind === 'gap' ? css.gap : undefined)}
      frame={frame}
      onScroll={onScroll}
    >
      {(row) => (row.kind === 'gap' ? <span role="cell">{gapSentence(row.gap)}</span> : <Cells row={row} href={hrefOf(search, row.id)} />)}
    </VirtualTable>
  );
}

function hrefOf(search: string, id: string): string {
  const query = new URLSearchParams(search);
  query.set('event', id);
  return `/live?${query}`;
}

const Cells = memo(function Cells({ row: { id, type, createdAt, text }, href }: { row: EventRow; href: string }) {
  return (
    <>
      <span role="cell" className={css.time}>
        <Time at={createdAt} brief />
      </span>
      <span role="cell" className={css.type}>
        <Link href={href}>
          <code>{type}</code>
        </Link>
        {id.startsWith('evt_test_') && <Badge tone="accent">Test</Badge>}
      </span>
      <span role="cell" className={css.data}>
        <code dir="ltr">{withoutTurning(text.slice(0, SHOWN_CHARACTERS))}</code>
      </span>
    </>
  );
});
