import type { EventTypeEntry } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { Braces } from 'lucide-react';
import { Link } from 'wouter';
import { Badge } from '../../ui/Badge.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page, Section } from '../../ui/Page.tsx';
import { Prose } from '../../ui/Prose.tsx';
import { Empty, Failure, Loading } from '../../ui/State.tsx';
import { useEventTypes } from '../webhooks/calls.ts';
import css from './EventTypeList.module.css';

const LEAD = 'What can happen, when your application says that it did, and what such an event holds.';

export default function EventTypeList() {
  const { data, error, refetch } = useQuery(useEventTypes());
  return (
    <Page title="Event types" lead={LEAD}>
      {error ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.length === 0 ? (
        <Empty title="No event types" icon={<Braces aria-hidden="true" />}>
          Your sign-in sees none.
        </Empty>
      ) : (
        [...Map.groupBy(data, ({ type }) => type.split('.')[0]!)].map(([resource, types]) => (
          <Section key={resource} title={resource}>
            <ul>
              {types.map((entry) => (
                <Row key={entry.type} entry={entry} />
              ))}
            </ul>
          </Section>
        ))
      )}
      <HowTo call={{ method: 'GET', path: '/v1/event-types' }} command="cstar event-types list" />
    </Page>
  );
}

function Row({ entry: { type, fires_on, builtin } }: { entry: EventTypeEntry }) {
  return (
    <li className={css.row}>
      <span className={css.type}>
        <Link href={`/event-types/${encodeURIComponent(type)}`}>
          <code>{type}</code>
        </Link>
        {!builtin && <Badge tone="neutral">Added</Badge>}
      </span>
      <span className={css.text}>
        <Prose text={fires_on} />
      </span>
    </li>
  );
}
