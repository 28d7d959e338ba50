import type { Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { useTeamPath } from '../../app/session.tsx';
import { HowTo, quoted } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { Failure, Loading } from '../../ui/State.tsx';
import { tell } from '../../ui/toast.tsx';
import { useUpdate, useWebhook } from './calls.ts';
import { type Draft, WebhookForm } from './WebhookForm.tsx';

export default function EditWebhook({ id }: { id: string }) {
  const webhook = useQuery(useWebhook(id));
  return (
    <Page title="Edit webhook" above={{ href: `/webhooks/${id}`, title: webhook.data?.url ?? 'Webhook' }}>
      {webhook.data ? (
        <Form webhook={webhook.data} />
      ) : webhook.error ? (
        <Failure error={webhook.error} onRetry={() => void webhook.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Form({ webhook }: { webhook: Webhook }) {
  const [, go] = useLocation();
  const path = useTeamPath();
  const update = useUpdate(webhook.id);
  const submit = (draft: Draft) =>
    update.mutate(changed(webhook, draft), {
      onSuccess: () => {
        tell('The webhook was changed.');
        go(`/webhooks/${webhook.id}`);
      },
    });
  const howTo = (draft: Draft) => (
    <HowTo
      call={{ method: 'PATCH', path: `${path}/webhooks/${webhook.id}`, body: changed(webhook, draft) }}
      command={`cstar webhooks update ${webhook.id} --url ${quoted(draft.url)} --events ${quoted(draft.events.join(','))}`}
    />
  );
  return (
    <WebhookForm
      webhook={webhook}
      submit="Save changes"
      cancel={`/webhooks/${webhook.id}`}
      error={update.error}
      isPending={update.isPending}
      onSubmit={submit}
      howTo={howTo}
    />
  );
}

/** What is not as it was. */
function changed(webhook: Webhook, draft: Draft): Partial<Draft> {
  const before = webhook as unknown as Record<string, unknown>;
  const differs = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(before[name] ?? null);
  return Object.fromEntries(Object.entries({ ...draft, url: draft.url.trim() }).filter(differs));
}
