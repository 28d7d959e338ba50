// The request of an attempt, put together from what is on record. Pure.
import type { Attempt, DeliveryDetail, Envelope, HeaderLine } from '@cstar/client';
import { quoted } from '../../ui/shell.ts';

const TEST_EVENT = 'evt_test_';

/**
 * The headers that an attempt carried, in the order of docs. Those that a webhook adds of its own are credentials that nobody
 * reads back, and of the standard signature, which anybody who has the secret can make again, no copy is kept.
 */
export function requestHeaders({ event_id, event_type, id }: DeliveryDetail, { number, started_at, request }: Attempt): HeaderLine[] {
  const signature = request?.signature;
  return [
    { name: 'content-type', value: 'application/json' },
    ...(signature ? [{ name: 'x-cstar-signature', value: signature }] : []),
    { name: 'x-cstar-event', value: event_type },
    { name: 'x-cstar-delivery', value: id },
    { name: 'x-cstar-attempt', value: String(number) },
    ...(event_id.startsWith(TEST_EVENT) ? [{ name: 'x-cstar-test', value: 'true' }] : []),
    { name: 'webhook-id', value: event_id },
    { name: 'webhook-timestamp', value: String(Math.floor(new Date(started_at).getTime() / 1000)) },
  ];
}

/** The body: T1 holds the bytes to what this writes. */
export function bodyOf(event: Envelope): string {
  return JSON.stringify(event);
}

/** The request as a shell sends it again: without its body it would be another one, that its signature does not fit. */
export function asCurl(url: string, headers: HeaderLine[], body: string): string {
  const given = headers.map(({ name, value }) => `-H ${quoted(`${name}: ${value}`)}`);
  return [`curl -i -X POST ${quoted(url)}`, ...given, `--data-raw ${quoted(body)}`].join(' \\\n  ');
}

export function headerText(headers: HeaderLine[]): string {
  return headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
}
