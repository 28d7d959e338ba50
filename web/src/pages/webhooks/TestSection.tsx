import type { Attempt, Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { useTeamPath } from '../../app/session.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Code } from '../../ui/Code.tsx';
import { duration } from '../../ui/duration.ts';
import { Fold } from '../../ui/Fold.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Section } from '../../ui/Page.tsx';
import { Select } from '../../ui/Select.tsx';
import { Refusal } from '../../ui/State.tsx';
import { adviceOn, reasonOf } from '../logs/reason.ts';
import { useEventTypes, useTest } from './calls.ts';
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
    <Section title="Send a test" lead="The type’s example goes to this webhook alone, now, marked as a test event.">
      <div className={css.test}>
        <div className={css.ask}>
          <Select label="Event type" hideLabel options={options} value={type} onChange={setChosen} />
          <Button look="primary" isPending={test.isPending} onPress={() => test.mutate(type)}>
            <Send aria-hidden="true" /> Send test
          </Button>
        </div>
        <div aria-live="polite">
          {test.data && <Answer attempt={test.data} />}
          <Refusal error={test.error} />
        </div>
        <HowTo
          call={{ method: 'POST', path: `${path}/webhooks/${webhook.id}/test`, body: { type } }}
          command={`cstar webhooks test ${webhook.id} --type ${type}`}
        />
      </div>
    </Section>
  );
}

function Answer({ attempt }: { attempt: Attempt }) {
  const arrived = attempt.outcome === 'success';
  const advice = adviceOn(attempt);
  const headers = attempt.response_headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
  return (
    <div className={css.answer}>
      <p className={css.line}>
        <Badge tone={arrived ? 'good' : 'bad'}>{arrived ? 'Delivered' : 'Failed'}</Badge>
        <span>{reasonOf(attempt)}</span>
        <span className={css.soft}>in {duration(attempt.duration_ms)}</span>
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
