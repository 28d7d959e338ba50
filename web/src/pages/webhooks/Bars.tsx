import type { HourStats } from '@cstar/client';
import { count, duration } from '../../ui/duration.ts';
import css from './Bars.module.css';

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** Widths within the drawing: it is stretched to its place. */
const STEP = 10;
const BAR = 7;
const HEIGHT = 100;
/** A bar of one among thousands is still to be seen. */
const LEAST = 4;

interface Props {
  hours: HourStats[];
  /** What is told of it to those who cannot see it. */
  label: string;
  className?: string;
}

/** The deliveries of each hour: those that arrived, below those that did not. */
export function DeliveryBars({ hours, label, className }: Props) {
  const most = Math.max(1, ...hours.map((each) => delivered(each) + undelivered(each) + each.pending));
  return (
    <Drawing hours={hours} label={label} className={className} told={tellHour}>
      {(each) => [
        { amount: delivered(each) / most, className: css.good },
        { amount: each.pending / most, className: css.waiting },
        { amount: undelivered(each) / most, className: css.bad },
      ]}
    </Drawing>
  );
}

/** What 95 of 100 attempts of each hour took at most. */
export function LatencyBars({ hours, label, className }: Props) {
  const longest = Math.max(1, ...hours.map(({ p95_ms }) => p95_ms ?? 0));
  const told = ({ at, p95_ms }: HourStats) => `${hour.format(new Date(at))}: ${p95_ms == null ? 'none' : duration(p95_ms)}`;
  return (
    <Drawing hours={hours} label={label} className={className} told={told}>
      {({ p95_ms }) => [{ amount: (p95_ms ?? 0) / longest, className: css.plain }]}
    </Drawing>
  );
}

interface DrawingProps extends Omit<Props, 'className'> {
  className: string | undefined;
  told: (hour: HourStats) => string;
  children: (hour: HourStats) => { amount: number; className: string | undefined }[];
}

function Drawing({ hours, label, className, told, children }: DrawingProps) {
  return (
    <svg
      className={className}
      viewBox={`0 0 ${hours.length * STEP} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {hours.map((each, place) => (
        <g key={each.at} transform={`translate(${place * STEP})`}>
          <title>{told(each)}</title>
          <rect className={css.hour} width={STEP} height={HEIGHT} />
          <Stack parts={children(each)} />
        </g>
      ))}
    </svg>
  );
}

function Stack({ parts }: { parts: { amount: number; className: string | undefined }[] }) {
  const shown = parts
    .filter(({ amount }) => amount > 0)
    .map((part) => ({ ...part, height: Math.max(LEAST, part.amount * (HEIGHT - LEAST)) }));
  if (shown.length === 0) return <rect className={css.none} x={(STEP - BAR) / 2} y={HEIGHT - 2} width={BAR} height={2} />;
  let top = HEIGHT;
  return shown.map(({ className, height }) => {
    top -= height;
    return <rect key={className} className={className} x={(STEP - BAR) / 2} y={Math.max(0, top)} width={BAR} height={height} />;
  });
}

export function delivered(hour: { delivered: number }): number {
  return hour.delivered;
}

/** Those that failed, and those that have failed so far. */
export function undelivered(hour: { failed: number; retrying: number }): number {
  return hour.failed + hour.retrying;
}

function tellHour(each: HourStats): string {
  return `${hour.format(new Date(each.at))}: ${count(delivered(each), 'delivered', 'delivered')}, ${undelivered(each)} not`;
}
