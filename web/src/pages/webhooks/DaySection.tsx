import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { count, duration, share } from '../../ui/duration.ts';
import { HowTo } from '../../ui/HowTo.tsx';
import { Section } from '../../ui/Page.tsx';
import { Failure, Loading, Outdated } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { useTeamPath } from '../../app/session.tsx';
import { DeliveryBars, LatencyBars } from './Bars.tsx';
import { useStats } from './calls.ts';
import { undelivered } from './hours.ts';
import { HourTable } from './HourTable.tsx';
import css from './DaySection.module.css';

/** How a webhook has been doing for a day. */
export function DaySection({ id }: { id: string }) {
  const path = useTeamPath();
  const { data, error, refetch } = useQuery(useStats(id));
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading rows={2} />;
  const { total, hours } = data;
  const judged = total.delivered + undelivered(total);
  const rate = judged > 0 ? share(total.delivered, judged) : '–';
  return (
    <Section title="The last 24 hours">
      <Outdated error={error} />
      <div className={css.figures}>
        <Figure
          title="Arrived"
          value={rate}
          note={judged > 0 ? `of ${count(judged, 'delivery', 'deliveries')}` : 'nothing sent yet'}
        >
          <DeliveryBars hours={hours} className={css.bars!} label={`Deliveries by the hour: ${rate} of ${judged} arrived`} />
        </Figure>
        <Figure
          title="Latency"
          value={told(total.p95_ms)}
          note={total.p95_ms == null ? 'no attempts yet' : `95 of 100 at most; half of them ${told(total.p50_ms)}`}
        >
          <LatencyBars
            hours={hours}
            className={css.bars!}
            label={`Latency by the hour: 95 of 100 attempts took at most ${told(total.p95_ms)}`}
          />
        </Figure>
        <dl className={css.counts}>
          <Count title="Delivered" value={total.delivered} />
          <Count title="Retrying" value={total.retrying} />
          <Count title="Failed" value={total.failed} isBad />
          <Count title="Waiting" value={total.pending} />
          <Count title="Cancelled" value={total.cancelled} />
        </dl>
      </div>
      {!data.complete && (
        <p className={css.note}>
          Only the newest deliveries are counted, since <Time at={data.since} />.
        </p>
      )}
      <HourTable hours={hours} />
      <HowTo call={{ method: 'GET', path: `${path}/webhooks/${id}/stats` }} />
    </Section>
  );
}

function Figure({ title, value, note, children }: { title: string; value: string; note: string; children: ReactNode }) {
  return (
    <div className={css.figure}>
      <h3>{title}</h3>
      <p className={css.value}>
        {value} <span className={css.note}>{note}</span>
      </p>
      {children}
    </div>
  );
}

function Count({ title, value, isBad = false }: { title: string; value: number; isBad?: boolean }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd className={isBad && value > 0 ? css.bad : undefined}>{value.toLocaleString()}</dd>
    </div>
  );
}

function told(ms: number | null | undefined): string {
  return ms == null ? '–' : duration(ms);
}
