import type { Webhook } from '@cstar/client';
import { useState } from 'react';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Fold } from '../../ui/Fold.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Section } from '../../ui/Page.tsx';
import { Select } from '../../ui/Select.tsx';
import { Refusal } from '../../ui/State.tsx';
import { Time, useNow } from '../../ui/Time.tsx';
import { tell } from '../../ui/toast.tsx';
import { useEndOverlap, useRotate } from './calls.ts';
import css from './Secret.module.css';
import { Verify } from './Verify.tsx';

/** The secret: how to use it, and how to replace it. */
export function SecretSection({ webhook, onSecret }: { webhook: Webhook; onSecret: (secret: string) => void }) {
  const can = useCan();
  const now = useNow();
  const [isOpen, setOpen] = useState(false);
  const until = webhook.secret_overlap_until;
  const overlaps = until != null && new Date(until) > now;
  const rotate = can('webhooks:write') && <Button onPress={() => setOpen(true)}>Rotate secret</Button>;
  return (
    <Section
      title="Signing secret"
      lead="Every request is signed with it, so that a receiver can refuse what is not from here."
      actions={rotate}
    >
      <div className={css.part}>
        {overlaps && <Overlap id={webhook.id} until={until} />}
        <Fold title="How a receiver checks signatures">
          <Verify />
        </Fold>
      </div>
      {isOpen && <RotateDialog id={webhook.id} overlaps={overlaps} onClose={() => setOpen(false)} onSecret={onSecret} />}
    </Section>
  );
}

function Overlap({ id, until }: { id: string; until: string }) {
  const can = useCan();
  const path = useTeamPath();
  const end = useEndOverlap(id);
  return (
    <div className={css.overlap}>
      <p>
        <strong>
          Two secrets are valid until <Time at={until} />.
        </strong>{' '}
        <code>webhook-signature</code> carries a signature of each; <code>x-cstar-signature</code>, which has room for one, is
        still made with the old one. Give your receiver the new secret, then end this.
      </p>
      <Refusal error={end.error} />
      {can('webhooks:write') && (
        <Button
          isPending={end.isPending}
          onPress={() => end.mutate(undefined, { onSuccess: () => tell('The old secret signs nothing any more.') })}
        >
          End the overlap now
        </Button>
      )}
      <HowTo
        call={{ method: 'DELETE', path: `${path}/webhooks/${id}/secret/previous` }}
        command={`cstar webhooks end-overlap ${id}`}
      />
    </div>
  );
}

const OVERLAPS = [
  { id: '86400', title: '1 day', hint: 'Time to give the new one to every receiver.' },
  { id: '604800', title: '7 days', hint: 'The longest there is.' },
  { id: '3600', title: '1 hour' },
  {
    id: '0',
    title: 'None',
    hint: 'The old one leaked: it ends at once, and receivers refuse what comes until they have the new one.',
  },
];

interface RotateProps {
  id: string;
  overlaps: boolean;
  onClose: () => void;
  onSecret: (secret: string) => void;
}

function RotateDialog({ id, overlaps, onClose, onSecret }: RotateProps) {
  const path = useTeamPath();
  const rotate = useRotate(id);
  const [overlap, setOverlap] = useState(OVERLAPS[0]!.id);
  const seconds = Number(overlap);
  const go = () =>
    rotate.mutate(seconds, {
      onSuccess: ({ secret }) => {
        onSecret(secret);
        onClose();
      },
    });
  return (
    <Dialog
      title="Rotate the signing secret"
      isOpen
      onOpenChange={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="primary" isPending={rotate.isPending} onPress={go}>
            Make a new secret
          </Button>
        </>
      }
    >
      <p>
        A new secret is made and shown once. For a while the old one stays valid beside it, so that no request is refused while
        your receivers change over.
      </p>
      {overlaps && <p>An overlap is still open: its older secret ends now.</p>}
      <Select label="How long both are valid" options={OVERLAPS} value={overlap} onChange={setOverlap} />
      <p>{OVERLAPS.find((one) => one.id === overlap)?.hint}</p>
      <Refusal error={rotate.error} />
      <HowTo
        call={{ method: 'POST', path: `${path}/webhooks/${id}/secret`, body: { overlap_seconds: seconds } }}
        command={`cstar webhooks rotate-secret ${id} --overlap ${overlap}s`}
      />
    </Dialog>
  );
}
