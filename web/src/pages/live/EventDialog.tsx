import { useQuery } from '@tanstack/react-query';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Body } from '../../ui/Body.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { word } from '../../ui/shell.ts';
import { Failure, Loading } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { useEvent } from '../logs/calls.ts';

/** An event as it stands in the log: what the stream's handlers see of it has the data a second time. */
export function EventDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const can = useCan();
  const path = useTeamPath();
  const { data, error, refetch } = useQuery(useEvent(id));
  return (
    <Dialog
      title={data?.type ?? 'Event'}
      wide
      isOpen
      onOpenChange={onClose}
      actions={
        <>
          {can('deliveries:read') && <ButtonLink href={`/logs?event=${encodeURIComponent(id)}`}>Its deliveries</ButtonLink>}
          <Button look="primary" onPress={onClose}>
            Close
          </Button>
        </>
      }
    >
      {data ? (
        <>
          <p>
            Published <Time at={data.created_at} />
          </p>
          <Body label="event" text={JSON.stringify(data)} />
        </>
      ) : error ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Loading rows={3} />
      )}
      <HowTo call={{ method: 'GET', path: `${path}/events/${encodeURIComponent(id)}` }} command={`cstar events get ${word(id)}`} />
    </Dialog>
  );
}
