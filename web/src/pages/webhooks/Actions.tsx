import type { Webhook } from '@cstar/client';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Refusal } from '../../ui/State.tsx';
import { tell } from '../../ui/toast.tsx';
import { useDelete, useUpdate } from './calls.ts';
import { RecoverDialog } from './RecoverDialog.tsx';

/** What can be done with a webhook. */
export function Actions({ webhook }: { webhook: Webhook }) {
  const [asked, ask] = useState<'recover' | 'disable' | 'delete' | null>(null);
  const can = useCan();
  const update = useUpdate(webhook.id);
  const close = () => ask(null);
  const enable = () => update.mutate({ enabled: true }, { onSuccess: () => tell('The webhook is enabled.') });
  const isEnabled = webhook.status === 'enabled';
  return (
    <>
      <ButtonLink href={`/webhooks/${webhook.id}/edit`}>Edit</ButtonLink>
      {!isEnabled && (
        <Button look="primary" isPending={update.isPending} onPress={enable}>
          Enable
        </Button>
      )}
      <Menu
        label="More"
        items={[
          ...(isEnabled && can('deliveries:write')
            ? [{ id: 'recover', title: 'Send what it missed…', onAction: () => ask('recover') }]
            : []),
          ...(isEnabled ? [{ id: 'disable', title: 'Disable…', onAction: () => ask('disable') }] : []),
          { id: 'delete', title: 'Delete…', isBad: true, onAction: () => ask('delete') },
        ]}
      />
      {asked === 'recover' && <RecoverDialog webhook={webhook} onClose={close} />}
      {asked === 'disable' && <DisableDialog webhook={webhook} onClose={close} />}
      {asked === 'delete' && <DeleteDialog webhook={webhook} onClose={close} />}
    </>
  );
}

function DisableDialog({ webhook: { id }, onClose }: { webhook: Webhook; onClose: () => void }) {
  const path = useTeamPath();
  const update = useUpdate(id);
  return (
    <Dialog
      title="Disable this webhook?"
      mustAnswer
      isOpen
      isBusy={update.isPending}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={update.isPending} onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="danger"
            isPending={update.isPending}
            onPress={() => update.mutate({ enabled: false }, { onSuccess: onClose })}
          >
            Disable
          </Button>
        </>
      }
    >
      <p>What waits to be sent is cancelled, and what happens from now on is not sent until somebody enables it again.</p>
      <Refusal error={update.error} />
      <HowTo
        call={{ method: 'PATCH', path: `${path}/webhooks/${id}`, body: { enabled: false } }}
        command={`cstar webhooks update ${id} --disable`}
      />
    </Dialog>
  );
}

function DeleteDialog({ webhook: { id, url }, onClose }: { webhook: Webhook; onClose: () => void }) {
  const path = useTeamPath();
  const [, go] = useLocation();
  const remove = useDelete(id);
  const gone = () => {
    tell('The webhook was deleted.');
    go('/webhooks');
  };
  return (
    <Dialog
      title="Delete this webhook?"
      mustAnswer
      isOpen
      isBusy={remove.isPending}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={remove.isPending} onPress={onClose}>
            Cancel
          </Button>
          <Button look="danger" isPending={remove.isPending} onPress={() => remove.mutate(undefined, { onSuccess: gone })}>
            Delete
          </Button>
        </>
      }
    >
      <p>
        <code>{url}</code> gets nothing any more, and what waits for it is cancelled. Its deliveries stay in the logs. This
        cannot be undone.
      </p>
      <Refusal error={remove.error} />
      <HowTo call={{ method: 'DELETE', path: `${path}/webhooks/${id}` }} command={`cstar webhooks delete ${id}`} />
    </Dialog>
  );
}
