import { useLocation } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { NoPermission } from '../../ui/State.tsx';
import { useCreate } from './calls.ts';
import { asFlags } from './command.ts';
import { type Draft, WebhookForm } from './WebhookForm.tsx';

const ABOVE = { href: '/webhooks', title: 'Webhooks' };

export default function NewWebhook() {
  const [, go] = useLocation();
  const can = useCan();
  const path = useTeamPath();
  const create = useCreate();
  const submit = (draft: Draft) =>
    create.mutate(asked(draft), { onSuccess: ({ id }) => go(`/webhooks/${id}`) });
  const howTo = (draft: Draft) => (
    <HowTo
      call={{ method: 'POST', path: `${path}/webhooks`, body: asked(draft) }}
      command={`cstar webhooks create ${asFlags(asked(draft))}`}
    />
  );
  return (
    <Page title="New webhook" above={ABOVE}>
      {can('webhooks:write') ? (
        <WebhookForm
          submit="Create webhook"
          cancel="/webhooks"
          error={create.error}
          isPending={create.isPending}
          onSubmit={submit}
          howTo={howTo}
        />
      ) : (
        <NoPermission />
      )}
    </Page>
  );
}

/** Without what is as it would be anyway. */
function asked({ url, events, description, ordered, disable_on_gone, rate_limit, retry_schedule }: Draft) {
  return {
    url: url.trim(),
    events,
    ...(description && { description }),
    ...(ordered && { ordered }),
    ...(disable_on_gone && { disable_on_gone }),
    ...(rate_limit !== null && { rate_limit }),
    ...(retry_schedule !== null && { retry_schedule }),
  };
}
