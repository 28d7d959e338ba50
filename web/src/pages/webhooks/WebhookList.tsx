import type { Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { Plus, Webhook as WebhookIcon } from 'lucide-react';
import { Link } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Chip } from '../../ui/Badge.tsx';
import { ButtonLink } from '../../ui/Button.tsx';
import { count, duration, share } from '../../ui/duration.ts';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { Empty, Failure, Loading, Outdated } from '../../ui/State.tsx';
import { DeliveryBars } from './Bars.tsx';
import { undelivered } from './hours.ts';
import { useStats, useWebhookList } from './calls.ts';
import { WebhookState } from './state.tsx';
import css from './WebhookList.module.css';

const LEAD = 'Each event that matches is sent to these addresses as a signed request, and tried again until it arrives.';

export default function WebhookList() {
  const can = useCan();
  const path = useTeamPath();
  const list = useQuery(useWebhookList());
  const add = can('webhooks:write') && (
    <ButtonLink look="primary" href="/webhooks/new">
      <Plus aria-hidden="true" /> New webhook
    </ButtonLink>
  );
  if (list.error && !list.data) {
    return (
      <Page title="Webhooks">
        <Failure error={list.error} onRetry={() => void list.refetch()} />
      </Page>
    );
  }
  if (list.data?.length === 0) {
    return (
      <Page title="Webhooks">
        <Empty title="No webhooks yet" icon={<WebhookIcon aria-hidden="true" />} action={add}>
          {LEAD}
        </Empty>
      </Page>
    );
  }
  return (
    <Page title="Webhooks" lead={LEAD} actions={add}>
      <Outdated error={list.error} />
      {list.data ? <Rows webhooks={list.data} /> : <Loading />}
      <HowTo call={{ method: 'GET', path: `${path}/webhooks` }} command="cstar webhooks list" />
    </Page>
  );
}

function Rows({ webhooks }: { webhooks: Webhook[] }) {
  const can = useCan();
  return (
    <ul className={css.list}>
      {webhooks.map((webhook) => (
        <li key={webhook.id} className={css.row}>
          <div className={css.what}>
            <div className={css.line}>
              <Link href={`/webhooks/${webhook.id}`} className={css.url}>
                {webhook.url}
              </Link>
              <WebhookState webhook={webhook} />
            </div>
            {webhook.description && <p className={css.description}>{webhook.description}</p>}
            <Patterns patterns={webhook.events} />
          </div>
          {can('deliveries:read') && <Day id={webhook.id} />}
        </li>
      ))}
    </ul>
  );
}

const SHOWN_MAX = 4;

function Patterns({ patterns }: { patterns: string[] }) {
  const more = patterns.slice(SHOWN_MAX);
  return (
    <div className={css.patterns}>
      {patterns.slice(0, SHOWN_MAX).map((pattern) => (
        <Chip key={pattern}>{pattern}</Chip>
      ))}
      {more.length > 0 && <span title={more.join(', ')}>and {more.length} more</span>}
    </div>
  );
}

/** How it has been doing for a day. */
function Day({ id }: { id: string }) {
  const { data, error } = useQuery(useStats(id));
  if (!data) {
    return (
      <div className={css.day}>
        {error && <span className={css.soft}>How it has been doing could not be loaded</span>}
      </div>
    );
  }
  const { total, hours } = data;
  const judged = total.delivered + undelivered(total);
  if (judged + total.pending === 0) {
    return (
      <div className={css.day}>
        <span className={css.soft}>Nothing sent for a day</span>
      </div>
    );
  }
  const rate = judged > 0 ? share(total.delivered, judged) : '–';
  const label = `${rate} of ${count(judged, 'delivery', 'deliveries')} arrived`;
  return (
    <div className={css.day}>
      <DeliveryBars hours={hours} label={`The last 24 hours: ${label}`} className={css.bars} />
      <dl className={css.figures}>
        <div>
          <dt>Arrived</dt>
          <dd className={undelivered(total) > 0 ? css.bad : undefined}>{rate}</dd>
        </div>
        <div>
          <dt title="95 of 100 attempts took at most so long">Latency</dt>
          <dd>{total.p95_ms == null ? '–' : duration(total.p95_ms)}</dd>
        </div>
      </dl>
    </div>
  );
}
