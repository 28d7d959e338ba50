import type { UpdateWebhook } from '@cstar/client';
import { word } from '../../ui/shell.ts';

/** What the form changes, and no more. */
export type Change = Pick<
  UpdateWebhook,
  'url' | 'events' | 'description' | 'ordered' | 'disable_on_gone' | 'rate_limit' | 'retry_schedule'
>;

/** The flags of `cstar webhooks create` and `update` that say a change; none where the command cannot say it. */
export function asFlags(change: Change): string | undefined {
  const { url, events, description, ordered, disable_on_gone, rate_limit, retry_schedule } = change;
  // A schedule of its own is taken away by the API alone.
  if (retry_schedule === null) return undefined;
  return [
    flag('--url', url),
    flag('--events', events?.join(',')),
    flag('--description', description),
    flag('--ordered', ordered),
    flag('--disable-on-gone', disable_on_gone),
    rate_limit === null ? '--no-rate-limit' : flag('--rate-limit', rate_limit),
    flag('--retry-schedule', retry_schedule),
  ]
    .filter(Boolean)
    .join(' ');
}

/** What begins with a hyphen would be read as another flag. */
function flag(name: string, value: string | number | boolean | undefined | null): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = String(value);
  return `${name}${text.startsWith('-') ? '=' : ' '}${word(text)}`;
}
