import type { Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { refusal } from '../../api/refusal.ts';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Chip } from '../../ui/Badge.tsx';
import { Copy } from '../../ui/Copy.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page, Section } from '../../ui/Page.tsx';
import { Failure, Loading } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { Actions } from './Actions.tsx';
import { useWebhook } from './calls.ts';
import { DaySection } from './DaySection.tsx';
import { useFreshSecret } from './fresh-secret.ts';
import { FreshSecret } from './FreshSecret.tsx';
import { Recent } from './Recent.tsx';
import { SecretSection } from './SecretSection.tsx';
import { DISABLED_BECAUSE, WebhookState } from './state.tsx';
import { TestSection } from './TestSection.tsx';
import css from './WebhookPage.module.css';

const ABOVE = { href: '/webhooks', title: 'Webhooks' };

export default function WebhookPage({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(useWebhook(id));
  const [secret, forget] = useFreshSecret(id);
  const fresh = secret && <FreshSecret secret={secret} onDone={forget} />;
  if (data) return <Shown webhook={data} fresh={fresh} error={error} />;
  return (
    <Page title="Webhook" above={ABOVE}>
      {fresh}
      {error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />}
    </Page>
  );
}

function Shown({ webhook, fresh, error }: { webhook: Webhook; fresh: ReactNode; error: unknown }) {
  const can = useCan();
  const heading = (
    <div className={css.heading}>
      <h1 className={css.url}>{webhook.url}</h1>
      <WebhookState webhook={webhook} />
    </div>
  );
  return (
    <Page
      title={webhook.url}
      heading={heading}
      lead={webhook.description || undefined}
      above={ABOVE}
      actions={can('webhooks:write') && <Actions webhook={webhook} />}
    >
      {fresh}
      {error != null && (
        <p className={css.notice} role="status">
          What is shown may be old: it could not be loaded again. {refusal(error).detail}
        </p>
      )}
      <Notice webhook={webhook} />
      {can('webhooks:write') && webhook.status === 'enabled' && <TestSection webhook={webhook} />}
      {can('deliveries:read') && <DaySection id={webhook.id} />}
      {can('deliveries:read') && <Recent webhook={webhook.id} />}
      <Settings webhook={webhook} />
      <SecretSection webhook={webhook} />
    </Page>
  );
}

/** What is wrong with it, if something is. */
function Notice({ webhook: { id, status, disabled_reason, failing_since } }: { webhook: Webhook }) {
  const path = useTeamPath();
  if (status === 'disabled') {
    return (
      <div className={css.notice}>
        <p>
          <strong>Disabled.</strong> {disabled_reason && DISABLED_BECAUSE[disabled_reason]}
        </p>
        <HowTo
          title="Enable it by API or command line"
          call={{ method: 'PATCH', path: `${path}/webhooks/${id}`, body: { enabled: true } }}
          command={`cstar webhooks update ${id} --enable`}
        />
      </div>
    );
  }
  if (!failing_since) return null;
  return (
    <p className={`${css.notice} ${css.bad}`}>
      <strong>
        Every attempt has failed since <Time at={failing_since} />.
      </strong>{' '}
      The latest deliveries say why. An endpoint that only fails for days is disabled.
    </p>
  );
}

function Settings({ webhook }: { webhook: Webhook }) {
  const path = useTeamPath();
  const rows: [string, ReactNode][] = [
    [
      'Events',
      <span className={css.patterns}>
        {webhook.events.map((pattern) => (
          <Chip key={pattern}>{pattern}</Chip>
        ))}
      </span>,
    ],
    ...(webhook.filter ? [['Filter', <code>{JSON.stringify(webhook.filter)}</code>] as [string, ReactNode]] : []),
    ['Order', webhook.ordered ? 'One at a time, in the order of events' : 'As fast as it answers, several at once'],
    ['Rate', webhook.rate_limit ? `At most ${webhook.rate_limit} attempts a second` : 'No limit of its own'],
    [
      'Retries',
      webhook.retry_schedule ? (
        <>
          After <code>{webhook.retry_schedule}</code>
        </>
      ) : (
        'The server’s schedule'
      ),
    ],
    ['At 410 Gone', webhook.disable_on_gone ? 'It is disabled' : 'Retried like any other failure'],
    ...(webhook.header_names.length > 0 ? [['Own headers', webhook.header_names.join(', ')] as [string, ReactNode]] : []),
    ['Created', <Time at={webhook.created_at} />],
    [
      'Id',
      <span className={css.id}>
        <code>{webhook.id}</code>
        <Copy text={webhook.id} label="Copy id" />
      </span>,
    ],
  ];
  return (
    <Section title="Settings">
      <dl className={css.settings}>
        {rows.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <HowTo call={{ method: 'GET', path: `${path}/webhooks/${webhook.id}` }} command={`cstar webhooks get ${webhook.id}`} />
    </Section>
  );
}
