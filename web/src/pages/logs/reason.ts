// What became of a delivery, in plain words. Pure, and without markup.
import type { AttemptSummary, CancelReason, DeliveryRow } from '@cstar/client';

type Tried = Pick<AttemptSummary, 'outcome' | 'detail'> & { status_code?: number | null };

/** Statuses that say something which their number does not tell everybody. */
const STATUS_WORDS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

const CANCELLED: Record<CancelReason, string> = {
  webhook_disabled: 'The webhook was disabled before it was sent.',
  endpoint_gone: 'The endpoint answered 410 Gone, so its webhook was disabled.',
  webhook_deleted: 'The webhook was deleted before it was sent.',
  endpoint_failing: 'The endpoint had failed for days, so its webhook was disabled.',
  event_erased: 'The event was erased before it was sent.',
};

/** One sentence on what came of an attempt. */
export function reasonOf({ outcome, status_code, detail }: Tried): string {
  const words = outcome === 'http_status' && status_code != null ? STATUS_WORDS[status_code] : undefined;
  return sentence(words === undefined ? detail : `${detail} ${words}`);
}

/** One sentence on what the receiver's side can do about it; nothing where nothing is wrong. */
export function adviceOn({ outcome, status_code }: Tried): string | undefined {
  switch (outcome) {
    case 'success':
      return undefined;
    case 'http_status':
      return adviceOnStatus(status_code ?? 0);
    case 'timeout':
      return 'Answer first and do the work afterwards: an endpoint that queues what it gets answers in milliseconds.';
    case 'dns':
      return 'Look at the host name in the URL, and at its DNS records.';
    case 'connect':
      return 'Look whether the server runs, listens on that port, and lets connections through its firewall.';
    case 'tls':
      return 'Look at the certificate: its date, its name, and whether intermediate certificates are sent.';
    case 'reset':
      return 'Look at the endpoint’s log for a crash, and at proxies before it for limits.';
    case 'bad_response':
      return 'Look whether something other than an HTTP server answers on that port.';
    case 'blocked_target':
      return 'Webhooks reach public addresses only, unless whoever runs this server allows more: register another URL.';
  }
}

function adviceOnStatus(status: number): string {
  if (status >= 300 && status < 400) return 'Change the webhook’s URL to the one that it leads to.';
  if (status === 401 || status === 403) {
    return 'The endpoint refuses the request: look whether it checks with the right secret, and over the raw body.';
  }
  if (status === 404 || status === 405) return 'Look at the URL’s path: the endpoint takes no POST there.';
  if (status === 410) return 'The endpoint says that it wants no more: delete the webhook, or mend the endpoint.';
  if (status === 413) return 'Raise the size of body that the endpoint, or a proxy before it, takes.';
  if (status === 429) return 'Give the webhook a rate that the endpoint can keep up with.';
  if (status >= 500) return 'The endpoint itself failed: its log of that moment says why.';
  return 'The endpoint refuses what it got: its log of that moment says why. Any 2xx counts as received.';
}

/** One sentence on where a delivery stands; when the next attempt is, is said apart. */
export function standingOf({ status, cancel_reason, last_attempt }: Pick<DeliveryRow, 'status' | 'cancel_reason' | 'last_attempt'>): string {
  if (status === 'cancelled') return cancel_reason ? CANCELLED[cancel_reason] : 'It was cancelled.';
  if (last_attempt) return reasonOf(last_attempt);
  return status === 'pending' ? 'It is about to be sent.' : 'It was not tried.';
}

function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
