// Which deliveries are shown. It stands in the address, so that it can be shared and the back button works.
import type { DeliveryStatus, ResendFilter } from '@cstar/client';
import { word } from '../../ui/shell.ts';

const HOUR_MS = 3_600_000;

/** Times that go along with the clock. */
export const LAST = { '1h': HOUR_MS, '24h': 24 * HOUR_MS, '7d': 7 * 24 * HOUR_MS } as const;
export type Last = keyof typeof LAST;

export const STATUSES = ['pending', 'retrying', 'delivered', 'failed', 'cancelled'] as const satisfies DeliveryStatus[];

export interface LogFilter {
  webhook?: string;
  status?: DeliveryStatus;
  /** A pattern. */
  types?: string;
  event?: string;
  last?: Last;
  /** Instants, as the API writes them. */
  since?: string;
  until?: string;
}

/** What the address asks for; what cannot be understood asks for nothing. */
export function readFilter(search: URLSearchParams): LogFilter {
  const text = (name: string) => search.get(name) || undefined;
  const status = STATUSES.find((one) => one === text('status'));
  const last = text('last');
  return withoutUnset({
    webhook: text('webhook'),
    status,
    types: text('types'),
    event: text('event'),
    last: last !== undefined && Object.hasOwn(LAST, last) ? (last as Last) : undefined,
    since: instant(text('since')),
    until: instant(text('until')),
  });
}

export function writeFilter(filter: LogFilter): Record<string, string> {
  return withoutUnset({ ...filter }) as Record<string, string>;
}

/** The same in the API's terms. */
export type Asked = Omit<LogFilter, 'last' | 'types'> & { types?: string[] };

/** What the API is asked; `last` counts back from `now`. */
export function asQuery({ last, types, ...rest }: LogFilter, now: Date): Asked {
  return withoutUnset({
    ...rest,
    types: types === undefined ? undefined : [types],
    since: last === undefined ? rest.since : new Date(now.getTime() - LAST[last]).toISOString(),
  });
}

/** A delivery that has not ended is on its way by itself. */
export function canBeResent({ status }: LogFilter): boolean {
  return status !== 'pending' && status !== 'retrying';
}

/** What is resent: all that the filter shows, and of all statuses those that failed, as nobody means the others. */
export function asResend(filter: LogFilter, now: Date): Asked {
  return { ...asQuery(filter, now), status: filter.status ?? 'failed' };
}

/** The words of `cstar` behind `deliveries list` or `deliveries resend`. */
export function asFlags({ webhook, status, types, event, since, until }: ResendFilter): string {
  const flags = { webhook, status, types: types?.join(','), event, since, until };
  return Object.entries(flags)
    .filter(([, value]) => value)
    .map(([name, value]) => ` --${name} ${word(value!)}`)
    .join('');
}

function instant(text: string | undefined): string | undefined {
  const at = new Date(text ?? '');
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

function withoutUnset<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
