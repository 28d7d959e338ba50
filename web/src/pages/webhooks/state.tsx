import type { DisabledReason, Webhook } from '@cstar/client';
import { Badge } from '../../ui/Badge.tsx';

/** How a webhook is, in a word. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  if (webhook.status === 'disabled') return <Badge tone="neutral">Disabled</Badge>;
  return webhook.failing_since ? <Badge tone="bad">Failing</Badge> : <Badge tone="good">Enabled</Badge>;
}

/** Why it is disabled, and what to do. */
export const DISABLED_BECAUSE: Record<DisabledReason, string> = {
  by_request: 'Somebody disabled it. Events that happen now are not sent; enable it to get those that follow.',
  gone: 'Its endpoint answered 410 Gone, which says that it wants no more requests.',
  failing: 'Every attempt had failed for days, so it was disabled. See to the endpoint, then enable it again.',
};
