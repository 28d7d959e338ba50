import type { Attempt, DeliveryDetail, Envelope } from '@cstar/client';
import { Badge } from '../../ui/Badge.tsx';
import { duration } from '../../ui/duration.ts';
import { Fold } from '../../ui/Fold.tsx';
import { Time } from '../../ui/Time.tsx';
import { AttemptDetail } from './AttemptDetail.tsx';
import { reasonOf } from './reason.ts';
import css from './Timeline.module.css';

interface Props {
  delivery: DeliveryDetail;
  /** The event, whose bytes were the body; not there while it is loaded, or where it may not be read. */
  event: Envelope | undefined;
  eventError: unknown;
}

/** The attempts in their order, and when the next one is. */
export function Timeline({ delivery, event, eventError }: Props) {
  const { attempts, next_attempt_at } = delivery;
  return (
    <ol className={css.timeline}>
      {attempts.map((attempt) => (
        <One key={attempt.number} attempt={attempt} delivery={delivery} event={event} eventError={eventError} />
      ))}
      {next_attempt_at && (
        <li className={css.next}>
          <p className={css.line}>
            <span className={css.title}>{attempts.length === 0 ? 'First attempt' : 'Next attempt'}</span>
            <Time at={next_attempt_at} relative />
          </p>
        </li>
      )}
      {attempts.length === 0 && !next_attempt_at && <li>It was never tried.</li>}
    </ol>
  );
}

function One({ attempt, ...rest }: Props & { attempt: Attempt }) {
  const arrived = attempt.outcome === 'success';
  const { number, started_at, duration_ms } = attempt;
  const isLast = attempt === rest.delivery.attempts.at(-1);
  return (
    <li className={arrived ? css.good : css.bad}>
      <div className={css.line}>
        <span className={css.title}>Attempt {number}</span>
        <Badge tone={arrived ? 'good' : 'bad'}>{arrived ? 'Success' : 'Failure'}</Badge>
        <span className={css.soft}>
          <Time at={started_at} /> · took {duration(duration_ms)}
        </span>
      </div>
      <p className={css.reason}>{reasonOf(attempt)}</p>
      <Fold title={`Request and response of attempt ${number}`} startsOpen={isLast}>
        <AttemptDetail attempt={attempt} {...rest} />
      </Fold>
    </li>
  );
}
