import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, type RefObject, useCallback, useEffect, useRef } from 'react';
import css from './VirtualTable.module.css';

/** Drawn beside those that are seen, so that Tab leads from each row to the next. */
const OVERSCAN_ROWS = 6;
/** So many rows before the end, more are asked for. */
const NEAR_END_ROWS = 100;

interface Props<Row> {
  label: string;
  /** Titles of the columns. */
  columns: string[];
  /** The columns' widths, as `grid-template-columns`; a narrow page gives the rows a layout of its own. */
  className?: string | undefined;
  rows: readonly Row[];
  /** The same function each time: with another one, every row is measured anew. */
  rowKey: (row: Row) => string;
  rowHeightPx: number;
  /** The cells of a row, each with `role="cell"`. */
  children: (row: Row) => ReactNode;
  rowClassName?: (row: Row) => string | undefined;
  /** Where it stands when it is first drawn, and what is told where it stands. */
  startPx?: number;
  onScroll?: (px: number) => void;
  onNearEnd?: () => void;
  /** What scrolls. */
  frame?: RefObject<HTMLDivElement | null>;
}

/** A table of any length, of which the rows that can be seen are drawn. It scrolls within itself. */
export function VirtualTable<Row>(props: Props<Row>) {
  const { label, columns, className, rows, rowKey, rowHeightPx, startPx = 0, onScroll, onNearEnd } = props;
  const own = useRef<HTMLDivElement>(null);
  const frame = props.frame ?? own;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeightPx,
    getItemKey: useCallback((index: number) => rowKey(rows[index]!), [rows, rowKey]),
    overscan: OVERSCAN_ROWS,
    initialOffset: startPx,
  });
  useEffect(() => virtual.measure(), [virtual, rowHeightPx]);
  const drawn = virtual.getVirtualItems();
  const isNearEnd = (drawn.at(-1)?.index ?? 0) >= rows.length - NEAR_END_ROWS;
  useEffect(() => {
    if (isNearEnd) onNearEnd?.();
  }, [isNearEnd, onNearEnd]);
  return (
    <div className={`${css.table} ${className ?? ''}`} role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div className={css.head} role="row" aria-rowindex={1}>
        {columns.map((title) => (
          <span key={title} role="columnheader">
            {title}
          </span>
        ))}
      </div>
      <div ref={frame} className={css.frame} role="presentation" onScroll={(event) => onScroll?.(event.currentTarget.scrollTop)}>
        <div className={css.rows} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {drawn.map(({ key, index, start }) => {
            const row = rows[index]!;
            const names = [css.row, props.rowClassName?.(row)].filter(Boolean).join(' ');
            return (
              <div key={key} role="row" aria-rowindex={index + 2} className={names} style={{ height: rowHeightPx, translate: `0 ${start}px` }}>
                {props.children(row)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
