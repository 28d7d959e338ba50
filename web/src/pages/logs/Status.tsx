import type { DeliveryStatus } from '@cstar/client';
import { Badge, type Tone } from '../../ui/Badge.tsx';

const TONES: Record<DeliveryStatus, Tone> = { delivered: 'good', failed: 'bad', retrying: 'warn', pending: 'accent', cancelled: 'neutral' };

export const STATUS_NAMES: Record<DeliveryStatus, string> = {
  pending: 'Pending',
  retrying: 'Retrying',
  delivered: 'Delivered',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export function Status({ status }: { status: DeliveryStatus }) {
  return <Badge tone={TONES[status]}>{STATUS_NAMES[status]}</Badge>;
}
