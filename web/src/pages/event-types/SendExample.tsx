import type { EventTypeEntry, PublishEvent } from '@cstar/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { useCan, useCStar, useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Refusal } from '../../ui/State.tsx';

/**
 * Publishes the example as a test event (T20): it goes the whole way, and nobody takes it for something that happened.
 */
export function SendExample({ entry }: { entry: EventTypeEntry }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        <Send aria-hidden="true" /> Send this example
      </Button>
      {isOpen && <SendDialog entry={entry} onClose={() => setOpen(false)} />}
    </>
  );
}

function SendDialog({ entry: { type, example }, onClose }: { entry: EventTypeEntry; onClose: () => void }) {
  const path = useTeamPath();
  const send = useSend(type, example);
  return (
    <Dialog
      title={send.data ? 'The test event was published' : 'Send this example?'}
      isOpen
      onOpenChange={onClose}
      actions={
        send.data ? (
          <Button look="primary" onPress={onClose}>
            Close
          </Button>
        ) : (
          <>
            <Button onPress={onClose}>Cancel</Button>
            <Button look="primary" isPending={send.isPending} onPress={() => send.mutate()}>
              Send
            </Button>
          </>
        )
      }
    >
      {send.data ? (
        <Sent id={send.data.id} />
      ) : (
        <p>
          It becomes a test event of the team: every webhook that wants <code>{type}</code> gets it, with <code>x-cstar-test: true</code>, and
          live streams show it. Its id begins with <code>evt_test_</code>.
        </p>
      )}
      <Refusal error={send.error} />
      <HowTo
        call={{ method: 'POST', path: `${path}/events`, headers: { 'x-cstar-test': 'true' }, body: { type, data: example } }}
        command={`cstar trigger ${type}`}
      />
    </Dialog>
  );
}

function Sent({ id }: { id: string }) {
  const can = useCan();
  return (
    <>
      <p>
        <code>{id}</code> is in the log, and on its way.
      </p>
      {can('deliveries:read') && (
        <p>
          <ButtonLink href={`/logs?event=${encodeURIComponent(id)}`}>See its deliveries</ButtonLink>
        </p>
      )}
    </>
  );
}

function useSend(type: string, data: Record<string, unknown>) {
  const cstar = useCStar();
  const queries = useQueryClient();
  return useMutation({
    // The catalog's examples meet the catalog's schemas, which types that the platform added have as well.
    mutationFn: () => cstar.events.publish({ type, data } as PublishEvent, { test: true }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['deliveries'] }),
  });
}
