import type { HourStats } from '@cstar/client';
import { duration } from '../../ui/duration.ts';
import { Fold } from '../../ui/Fold.tsx';
import { Time } from '../../ui/Time.tsx';
import { delivered, undelivered } from './hours.ts';
import css from './HourTable.module.css';

/** What the bars show, for keyboards, touch and screen readers: the hours in which something was sent, newest first. */
export function HourTable({ hours }: { hours: HourStats[] }) {
  const busy = hours.filter((hour) => delivered(hour) + undelivered(hour) + hour.pending > 0).reverse();
  if (busy.length === 0) return null;
  return (
    <Fold title="Hour by hour">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Delivered</th>
            <th scope="col">Not</th>
            <th scope="col">Waiting</th>
            <th scope="col">Latency</th>
          </tr>
        </thead>
        <tbody>
          {busy.map((hour) => (
            <tr key={hour.at}>
              <th scope="row">
                <Time at={hour.at} />
              </th>
              <td>{delivered(hour).toLocaleString()}</td>
              <td>{undelivered(hour).toLocaleString()}</td>
              <td>{hour.pending.toLocaleString()}</td>
              <td>{hour.p95_ms == null ? '–' : duration(hour.p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Fold>
  );
}
