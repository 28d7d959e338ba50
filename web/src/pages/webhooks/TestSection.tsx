import type { Attempt, Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Code } from '../../ui/Code.tsx';
import { duration } from '../../ui/duration.ts';
import { Fold } from '../../ui/Fold.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Section } from '../../ui/Page.tsx';
import { Select } from '../../ui/Select.tsx';
import { word } from '../../ui/shell.ts';
import { Refusal } from '../../ui/State.tsx';
import { adviceOn, reasonOf } from '../logs/reason.ts';
import { RECENT_SHOWN, useEventTypes, useRecentDeliveries, useTest } from './calls.ts';
import { anyTakes } from './patterns.ts';
import css from './TestSection.module.css';

/** Sends an example now, and shows what came of it. */
export function TestSection({ webhook }: { webhook: Webhook }) {
  const path = useTeamPath();
  const types = useQuery(useEventTypes()).data ?? [];
  const wanted = types.filter(({ type }) => anyTakes(webhook.events, type));
  const [chosen, setChosen] = useState('');
  const type = chosen || (wanted[0] ?? types[0])?.type || '';
  const test = useTest(webhook.id);
  const options = (wanted.length > 0 ? wanted : types).map(({ type, description }) => ({
    id: type,
    title: type,
    hint: description,
  }));
  return (
    <Section title="Send a test" lead="The type’s example goes to this webhook alone, now, marked as a test event. It is a delivery like any other: in the logs, and tried again if it fails.">
      <div className={css.test}>
        <div className={css.ask}>
          <Select label="Event type" hideLabel options={options} value={type} onChange={setChosen} />
          <Button look="primary" isPending={test.isPending} onPress={() => test.mutate(type)}>
            <Send aria-hidden="true" /> Send test
          </Button>
        </div>
        <div aria-live="polite">
          {test.data && <Answer webhook={webhook.id} attempt={test.data} />}
          <Refusal error={test.error} />
        </div>
        <HowTo
          call={{ method: 'POST', path: `${path}/webhooks/${webhook.id}/test`, body: { type } }}
          command={`cstar webhooks test ${webhook.id} --type ${word(type)}`}
        />
      </div>
    </Section>
  );
}

function Answer({ webhook, attempt }: { webhook: string; attempt: Attempt }) {
  const can = useCan();
  const arrived = attempt.outcome === 'success';
  const advice = adviceOn(attempt);
  const headers = attempt.response_headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
  return (
    <div className={css.answer}>
      <p className={css.line}>
        <Badge tone={arrived ? 'good' : 'bad'}>{arrived ? 'Delivered' : 'Failed'}</Badge>
        <span>{reasonOf(attempt)}</span>
        <span className={css.soft}>in {duration(attempt.duration_ms)}</span>
        {can('deliveries:read') && <ItsDelivery webhook={webhook} attempt={attempt} />}
      </p>
      {advice && <p className={css.soft}>{advice}</p>}
      {attempt.response_body && <Code label="body of the answer" language="text" text={attempt.response_body} bounded />}
      {headers && (
        <Fold title="Headers of the answer">
          <Code label="headers of the answer" language="text" text={headers} bounded />
        </Fold>
      )}
    </div>
  );
}

/** An attempt does not say whose it is; the newest deliveries do, as long as it is their last. */
function ItsDelivery({ webhook, attempt: { started_at } }: { webhook: string; attempt: Attempt }) {
  const { data } = useQuery(useRecentDeliveries(webhook, RECENT_SHOWN));
  const delivery = data?.data.find(({ last_attempt }) => last_attempt?.started_at === started_at);
  return <Link href={delivery ? `/logs/${delivery.id}` : `/logs?webhook=${webhook}`}>Its delivery</Link>;
}
