// What is told of an hour of a webhook.
import type { HourStats } from '@cstar/client';
import { count, duration } from '../../ui/duration.ts';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** When it began, in the reader's zone. */
export const began = ({ at }: HourStats): string => clock.format(new Date(at));

export function delivered(hour: { delivered: number }): number {
  return hour.delivered;
}

/** Those that failed, and those that have failed so far. */
export function undelivered(hour: { failed: number; retrying: number }): number {
  return hour.failed + hour.retrying;
}

export function tellDeliveries(hour: HourStats): string {
  const told = `${began(hour)}: ${count(delivered(hour), 'delivered', 'delivered')}, ${undelivered(hour)} not`;
  return hour.pending > 0 ? `${told}, ${hour.pending} waiting` : told;
}

export function tellLatency(hour: HourStats): string {
  return `${began(hour)}: ${hour.p95_ms == null ? 'none' : duration(hour.p95_ms)}`;
}
