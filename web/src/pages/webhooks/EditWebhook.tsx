import type { Tagged, Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { refusal } from '../../api/refusal.ts';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { Failure, Loading, NoPermission } from '../../ui/State.tsx';
import { tell } from '../../ui/toast.tsx';
import { useUpdate, useWebhookToEdit } from './calls.ts';
import { asFlags, type Change } from './command.ts';
import css from './WebhookForm.module.css';
import { type Draft, WebhookForm } from './WebhookForm.tsx';

export default function EditWebhook({ id }: { id: string }) {
  const can = useCan();
  const webhook = useQuery({ ...useWebhookToEdit(id), enabled: can('webhooks:write') });
  const shown = webhook.data;
  let content: ReactNode = <Loading />;
  if (!can('webhooks:write')) content = <NoPermission />;
  else if (shown) content = <Form key={shown.etag} read={shown} readAgain={() => void webhook.refetch()} />;
  else if (webhook.error) content = <Failure error={webhook.error} onRetry={() => void webhook.refetch()} />;
  return (
    <Page title="Edit webhook" above={{ href: `/webhooks/${id}`, title: shown?.value.url ?? 'Webhook' }}>
      {content}
    </Page>
  );
}

function Form({ read, readAgain }: { read: Tagged<Webhook>; readAgain: () => void }) {
  const [, go] = useLocation();
  const path = useTeamPath();
  // What is saved is what differs from what was shown, and only over the very version that was shown.
  const [{ value: webhook, etag: ifMatch }] = useState(read);
  const update = useUpdate(webhook.id);
  const submit = (draft: Draft) =>
    update.mutate(
      { ...changed(webhook, draft), ifMatch },
      {
        onSuccess: () => {
          tell('The webhook was changed.');
          go(`/webhooks/${webhook.id}`);
        },
      },
    );
  const howTo = (draft: Draft) => {
    const change = changed(webhook, draft);
    const flags = asFlags(change);
    return (
      <HowTo
        call={{ method: 'PATCH', path: `${path}/webhooks/${webhook.id}`, body: change }}
        command={flags && `cstar webhooks update ${webhook.id} ${flags}`}
      />
    );
  };
  const isOld = refusal(update.error).code === 'changed';
  return (
    <WebhookForm
      webhook={webhook}
      submit="Save changes"
      cancel={`/webhooks/${webhook.id}`}
      error={isOld ? null : update.error}
      isPending={update.isPending}
      onSubmit={submit}
      howTo={howTo}
    >
      {isOld && (
        <div className={css.old} role="alert">
          <p>
            <strong>Somebody changed this webhook after you opened it here,</strong> so nothing was saved. Load it as it is now to
            see their change, and make yours again.
          </p>
          <Button onPress={readAgain}>Load it as it is now</Button>
        </div>
      )}
    </WebhookForm>
  );
}

/** What is not as it was. */
function changed(webhook: Webhook, draft: Draft): Change {
  const before = webhook as unknown as Record<string, unknown>;
  const differs = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(before[name] ?? null);
  return Object.fromEntries(Object.entries({ ...draft, url: draft.url.trim() }).filter(differs));
}
