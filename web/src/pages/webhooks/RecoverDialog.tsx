import type { Webhook } from '@cstar/client';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Select } from '../../ui/Select.tsx';
import { Refusal } from '../../ui/State.tsx';
import { useRecover } from './calls.ts';

const HOUR_MS = 3_600_000;

const REACHES = [
  { id: '1', title: 'The last hour' },
  { id: '24', title: 'The last 24 hours' },
  { id: '168', title: 'The last 7 days' },
];

/** Sends again what a webhook missed; the logs show how far that is. */
export function RecoverDialog({ webhook: { id }, onClose }: { webhook: Webhook; onClose: () => void }) {
  const path = useTeamPath();
  const [, go] = useLocation();
  const recover = useRecover(id);
  const [opened] = useState(() => Date.now());
  const [hours, setHours] = useState(REACHES[1]!.id);
  const since = new Date(opened - Number(hours) * HOUR_MS).toISOString();
  return (
    <Dialog
      title="Send what it missed"
      isOpen
      isBusy={recover.isPending}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={recover.isPending} onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isPending={recover.isPending}
            onPress={() => recover.mutate(since, { onSuccess: () => go(`/logs?webhook=${id}`) })}
          >
            Send again
          </Button>
        </>
      }
    >
      <p>What failed, what was cancelled, and what happened while the webhook was disabled is sent again, oldest first.</p>
      <Select label="Events of" options={REACHES} value={hours} onChange={setHours} />
      <Refusal error={recover.error} />
      <HowTo
        call={{ method: 'POST', path: `${path}/webhooks/${id}/recover`, body: { since } }}
        command={`cstar webhooks recover ${id} --since ${since}`}
      />
    </Dialog>
  );
}
