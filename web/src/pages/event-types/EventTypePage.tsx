import type { EventTypeEntry } from '@cstar/client';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useCan, useCStar } from '../../app/session.tsx';
import { Code } from '../../ui/Code.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { withoutTurning } from '../../ui/json.ts';
import { Page, Section } from '../../ui/Page.tsx';
import { Prose } from '../../ui/Prose.tsx';
import { Failure, Loading } from '../../ui/State.tsx';
import css from './EventTypePage.module.css';
import { SendExample } from './SendExample.tsx';

const ABOVE = { href: '/event-types', title: 'Event types' };

export default function EventTypePage({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(useEventType(id));
  if (data) return <Shown entry={data} />;
  return (
    <Page title={id} above={ABOVE}>
      {error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />}
    </Page>
  );
}

function useEventType(type: string) {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['event-type', type], queryFn: () => cstar.eventTypes.get(type), staleTime: 60_000 });
}

function Shown({ entry }: { entry: EventTypeEntry }) {
  const can = useCan();
  const { type, description, fires_on, example, schema } = entry;
  const heading = (
    <h1>
      <code>{type}</code>
    </h1>
  );
  return (
    <Page title={type} heading={heading} lead={<Prose text={description} />} above={ABOVE} actions={can('events:write') && <SendExample entry={entry} />}>
      <dl className={css.fires}>
        <dt>When</dt>
        <dd>
          <Prose text={fires_on} />
        </dd>
      </dl>
      <div className={css.sides}>
        <Section title="Example" lead={<Prose text="The `data` of such an event, as it could be." />}>
          <Code label="example" language="json" text={json(example)} bounded />
        </Section>
        <Section title="Schema" lead={<Prose text="What `data` must meet, as JSON Schema (2020-12)." />}>
          <Code label="schema" language="json" text={json(schema)} bounded />
        </Section>
      </div>
      <HowTo call={{ method: 'GET', path: `/v1/event-types/${type}` }} command={`cstar event-types get ${type}`} />
    </Page>
  );
}

function json(value: unknown): string {
  return withoutTurning(JSON.stringify(value, null, 2));
}
