import type { HourStats } from '@cstar/client';
import { scaleBand, scaleLinear, scaleOrdinal } from '@visx/scale';
import { BarStack } from '@visx/shape';
import css from './Bars.module.css';
import { delivered, tellDeliveries, tellLatency, undelivered } from './hours.ts';

/** Of the drawing, which is stretched to its place. */
const WIDTH = 240;
const HEIGHT = 100;
/** A bar of one among thousands is still to be seen: its least share of the height. */
const LEAST = 0.04;

interface Props {
  hours: HourStats[];
  /** What is told of it to those who cannot see it. */
  label: string;
  className?: string;
}

/** The deliveries of each hour: those that arrived, below those that did not. */
export function DeliveryBars(props: Props) {
  const parts = (hour: HourStats) => ({ good: delivered(hour), waiting: hour.pending, bad: undelivered(hour) });
  return <Bars {...props} keys={['good', 'waiting', 'bad']} parts={parts} told={tellDeliveries} />;
}

/** What 95 of 100 attempts of each hour took at most. */
export function LatencyBars(props: Props) {
  return <Bars {...props} keys={['plain']} parts={({ p95_ms }) => ({ plain: p95_ms ?? 0 })} told={tellLatency} />;
}

interface BarsProps<Key extends string> extends Props {
  /** The parts of a bar, from below, each a class of the style. */
  keys: Key[];
  parts: (hour: HourStats) => Record<Key, number>;
  told: (hour: HourStats) => string;
}

function Bars<Key extends string>({ hours, label, className, keys, parts, told }: BarsProps<Key>) {
  const at = scaleBand({ domain: hours.map((hour) => hour.at), range: [0, WIDTH], padding: 0.3 });
  const sum = (hour: HourStats) => keys.reduce((total, key) => total + parts(hour)[key], 0);
  const most = Math.max(1, ...hours.map(sum));
  const height = scaleLinear({ domain: [0, most * (1 + LEAST * (keys.length - 1))], range: [HEIGHT, 0] });
  const shown = (hour: HourStats, key: Key) => {
    const amount = parts(hour)[key];
    return amount > 0 ? Math.max(amount, most * LEAST) : 0;
  };
  return (
    <svg
      className={className}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {hours.map((hour) => (
        <g key={hour.at}>
          <title>{told(hour)}</title>
          <rect className={css.hour} x={at(hour.at)} width={at.step()} height={HEIGHT} />
          {sum(hour) === 0 && <rect className={css.none} x={at(hour.at)} y={HEIGHT - 2} width={at.bandwidth()} height={2} />}
        </g>
      ))}
      <BarStack
        data={hours}
        keys={keys}
        x={(hour) => hour.at}
        value={shown}
        xScale={at}
        yScale={height}
        color={scaleOrdinal<Key, string>({ domain: keys, range: keys })}
      >
        {(stacks) =>
          stacks.flatMap(({ bars, key }) =>
            bars.map(({ index, x, y, width, height }) => (
              <rect key={`${key}-${index}`} className={`${css.bar} ${css[key]}`} x={x} y={y} width={width} height={height} />
            )),
          )
        }
      </BarStack>
    </svg>
  );
}
