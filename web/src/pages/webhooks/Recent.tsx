import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { ButtonLink } from '../../ui/Button.tsx';
import { Section } from '../../ui/Page.tsx';
import { Failure, Loading } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { reasonOf } from '../logs/reason.ts';
import { Status } from '../logs/Status.tsx';
import { RECENT_SHOWN, useRecentDeliveries } from './calls.ts';
import css from './Recent.module.css';

/** The newest deliveries; the logs have all of them. */
export function Recent({ webhook }: { webhook: string }) {
  const { data, error, refetch } = useQuery(useRecentDeliveries(webhook, RECENT_SHOWN));
  return (
    <Section
      title="Latest deliveries"
      actions={
        <ButtonLink small href={`/logs?webhook=${webhook}`}>
          All in the logs
        </ButtonLink>
      }
    >
      {error ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading rows={2} />
      ) : data.data.length === 0 ? (
        <p className={css.soft}>Nothing was sent yet. Send a test, or publish an event.</p>
      ) : (
        <ul className={css.list}>
          {data.data.map(({ id, event_type, status, created_at, last_attempt }) => (
            <li key={id} className={css.row}>
              <Status status={status} />
              <Link href={`/logs/${id}`}>
                <code>{event_type}</code>
              </Link>
              <span className={css.detail}>{last_attempt && reasonOf(last_attempt)}</span>
              <span className={css.soft}>
                <Time at={created_at} relative />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
