import type { ResendCount, ResendFilter } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import { useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { count } from '../../ui/duration.ts';
import { HowTo } from '../../ui/HowTo.tsx';
import { Refusal } from '../../ui/State.tsx';
import { useResendAll, useResendCount } from './calls.ts';
import { asFlags, asResend, canBeResent, type LogFilter } from './filter.ts';

/** Resends all that the filter matches. */
export function ResendAll({ filter }: { filter: LogFilter }) {
  const [asked, ask] = useState<ResendFilter | null>(null);
  const title = filter.status === undefined || filter.status === 'failed' ? 'Resend all failed…' : `Resend all ${filter.status}…`;
  return (
    <>
      <Button isDisabled={!canBeResent(filter)} onPress={() => ask(asResend(filter, new Date()))}>
        <RotateCw aria-hidden="true" /> {canBeResent(filter) ? title : 'Resend all…'}
      </Button>
      {asked && <ResendDialog filter={asked} isNarrowed={Object.keys(filter).some((name) => name !== 'status')} onClose={() => ask(null)} />}
    </>
  );
}

function ResendDialog({ filter, isNarrowed, onClose }: { filter: ResendFilter; isNarrowed: boolean; onClose: () => void }) {
  const path = useTeamPath();
  const counted = useQuery(useResendCount(filter));
  const resend = useResendAll();
  const total = counted.data?.complete ? counted.data.deliveries : undefined;
  const begin = () => resend.mutate({ filter, total }, { onSuccess: onClose });
  return (
    <Dialog
      title={`Resend what ${filter.status === 'failed' ? 'failed' : `was ${filter.status}`}?`}
      mustAnswer
      isOpen
      onOpenChange={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="primary" isPending={resend.isPending} isDisabled={!counted.data || counted.data.deliveries === 0} onPress={begin}>
            Resend
          </Button>
        </>
      }
    >
      <p role="status">{counted.data ? counting(counted.data, isNarrowed) : 'Counting…'}</p>
      {filter.status === 'delivered' && <p>They arrived before: a receiver that does not look at ids takes them for new.</p>}
      <p>Each goes out under its old id, with a new schedule of retries, and no faster than its webhook answers.</p>
      <Refusal error={counted.error ?? resend.error} />
      <HowTo call={{ method: 'POST', path: `${path}/deliveries/resend`, body: filter }} command={`cstar deliveries resend${asFlags(filter)}`} />
    </Dialog>
  );
}

function counting({ deliveries, complete }: ResendCount, isNarrowed: boolean): string {
  const many = count(deliveries, 'delivery', 'deliveries');
  const which = isNarrowed ? ' that the filter shows' : ', of all webhooks';
  if (deliveries === 0) return 'There is nothing to resend.';
  return complete ? `${many}${which}.` : `More than ${many}${which}: that many were counted.`;
}
