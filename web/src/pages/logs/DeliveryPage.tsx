import type { DeliveryDetail } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { RotateCw } from 'lucide-react';
import { VisuallyHidden } from 'react-aria-components';
import { Link } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Copy } from '../../ui/Copy.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page, Section } from '../../ui/Page.tsx';
import { Failure, Loading, NoPermission, Outdated, Refusal } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { tell } from '../../ui/toast.tsx';
import { useWebhook } from '../webhooks/calls.ts';
import { hasEnded, useDelivery, useEvent, useResend } from './calls.ts';
import css from './DeliveryPage.module.css';
import { adviceOn, standingOf } from './reason.ts';
import { Status, STATUS_NAMES } from './Status.tsx';
import { Timeline } from './Timeline.tsx';

export default function DeliveryPage({ id }: { id: string }) {
  const can = useCan();
  const { data, error, refetch } = useQuery({ ...useDelivery(id), enabled: can('deliveries:read') });
  if (data) return <Shown delivery={data} error={error} />;
  return (
    <Page title="Delivery" above={{ href: '/logs', title: 'Logs' }}>
      {!can('deliveries:read') ? <NoPermission /> : error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />}
    </Page>
  );
}

function Shown({ delivery, error }: { delivery: DeliveryDetail; error: unknown }) {
  const can = useCan();
  const path = useTeamPath();
  const { id, event_id, event_type, status } = delivery;
  const event = useQuery({ ...useEvent(event_id), enabled: can('events:read') });
  const resend = useResend(id);
  const again = () => resend.mutate(undefined, { onSuccess: () => tell('It is being sent again.') });
  const heading = (
    <div className={css.heading}>
      <h1>
        <code>{event_type}</code>
      </h1>
      <Status status={status} />
    </div>
  );
  return (
    <Page
      title={`${event_type} ${status}`}
      heading={heading}
      above={{ href: '/logs', title: 'Logs' }}
      actions={
        can('deliveries:write') &&
        hasEnded(delivery) && (
          <Button look={status === 'failed' ? 'primary' : 'plain'} isPending={resend.isPending} onPress={again}>
            <RotateCw aria-hidden="true" /> Resend
          </Button>
        )
      }
    >
      <Refusal error={resend.error} />
      <Outdated error={error} />
      <Standing delivery={delivery} />
      <Section title="Delivery" actions={<ButtonLink small href={`/logs?event=${event_id}`}>All of this event</ButtonLink>}>
        <Facts delivery={delivery} />
        <HowTo
          title="See or resend this by API or command line"
          call={{ method: 'POST', path: `${path}/deliveries/${id}/resend` }}
          command={`cstar deliveries get ${id}\ncstar deliveries resend ${id}`}
        />
      </Section>
      <Section title="Attempts" lead="Each POST, oldest first.">
        <Timeline delivery={delivery} event={event.data} eventError={event.error} />
      </Section>
    </Page>
  );
}

/** Where it stands, why, what to do, and when it is tried again. */
function Standing({ delivery }: { delivery: DeliveryDetail }) {
  const { status, last_attempt, next_attempt_at } = delivery;
  const advice = last_attempt && status !== 'cancelled' ? adviceOn(last_attempt) : undefined;
  const look = { failed: css.bad, retrying: css.warn, delivered: css.good, pending: '', cancelled: '' }[status];
  return (
    <div className={`${css.standing} ${look}`}>
      {/* Told aloud when it changes; the times below change all the while. */}
      <p className={css.reason} role="status">
        <VisuallyHidden>{STATUS_NAMES[status]}: </VisuallyHidden>
        {standingOf(delivery)}
      </p>
      {advice && <p>{advice}</p>}
      {next_attempt_at && last_attempt && (
        <p>
          The next attempt is <Time at={next_attempt_at} relative />, at <Time at={next_attempt_at} />.
        </p>
      )}
      {status === 'failed' && <p>No further attempt is made by itself: resend it once the endpoint is mended.</p>}
    </div>
  );
}

function Facts({ delivery: { id, event_id, webhook_id, created_at } }: { delivery: DeliveryDetail }) {
  const can = useCan();
  const webhook = useQuery({ ...useWebhook(webhook_id), enabled: can('webhooks:read') });
  return (
    <dl className={css.facts}>
      <dt>Webhook</dt>
      <dd>{webhook.data ? <Link href={`/webhooks/${webhook_id}`}>{webhook.data.url}</Link> : <code>{webhook_id}</code>}</dd>
      <dt>Event</dt>
      <dd className={css.id}>
        <code>{event_id}</code>
        <Copy text={event_id} label="Copy event id" />
      </dd>
      <dt>Delivery</dt>
      <dd className={css.id}>
        <code>{id}</code>
        <Copy text={id} label="Copy delivery id" />
      </dd>
      <dt>Made</dt>
      <dd>
        <Time at={created_at} />
      </dd>
    </dl>
  );
}
