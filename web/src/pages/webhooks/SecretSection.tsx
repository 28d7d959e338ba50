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
export function SecretSection({ webhook }: { webhook: Webhook }) {
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
      {isOpen && <RotateDialog id={webhook.id} overlaps={overlaps} onClose={() => setOpen(false)} />}
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
        made with the old one until the overlap ends.
      </p>
      <Changeover />
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

/** When a receiver may change over depends on the header that it checks. */
function Changeover() {
  return (
    <ul className={css.changeover}>
      <li>
        Receivers that check <code>webhook-signature</code> can change to the new secret at any time before the overlap ends.
      </li>
      <li>
        Receivers that check <code>x-cstar-signature</code> must take both secrets, or change at the moment that you end the
        overlap: it is signed with the old one until then, and with the new one from then on.
      </li>
    </ul>
  );
}

const AT_ONCE = {
  id: '0',
  title: 'None',
  hint: 'The old one leaked: it ends at once, and receivers refuse what comes until they have the new one.',
};
const OVERLAPS: { id: string; title: string; hint?: string }[] = [
  { id: '86400', title: '1 day', hint: 'Time to give the new one to every receiver.' },
  { id: '604800', title: '7 days', hint: 'The longest there is.' },
  { id: '3600', title: '1 hour' },
  AT_ONCE,
];

interface RotateProps {
  id: string;
  overlaps: boolean;
  onClose: () => void;
}

function RotateDialog({ id, overlaps, onClose }: RotateProps) {
  const path = useTeamPath();
  const rotate = useRotate(id);
  const end = useEndOverlap(id);
  const [chosen, choose] = useState(OVERLAPS[0]!);
  // The server refuses a second overlap while one is open: a receiver may hold either secret.
  const overlap = overlaps ? AT_ONCE : chosen;
  const isBusy = rotate.isPending || end.isPending;
  return (
    <Dialog
      title="Rotate the signing secret"
      isOpen
      isBusy={isBusy}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={isBusy} onPress={onClose}>
            Cancel
          </Button>
          <Button
            look={overlaps ? 'danger' : 'primary'}
            isPending={rotate.isPending}
            isDisabled={end.isPending}
            onPress={() => rotate.mutate(Number(overlap.id), { onSuccess: onClose })}
          >
            Make a new secret
          </Button>
        </>
      }
    >
      <p>
        A new secret is made and shown once.
        {!overlaps && ' For a while the old one stays valid beside it, so that no request is refused while your receivers change over.'}
      </p>
      {overlaps ? (
        <>
          <p>
            An overlap is still open, and a receiver may hold either of its secrets. End it first, once all of them have the newer
            one. To go on without that ends both secrets at once.
          </p>
          <div>
            <Button isPending={end.isPending} isDisabled={rotate.isPending} onPress={() => end.mutate()}>
              End the overlap first
            </Button>
          </div>
        </>
      ) : (
        <>
          <Select
            label="How long both are valid"
            options={OVERLAPS}
            value={overlap.id}
            onChange={(id) => choose(OVERLAPS.find((one) => one.id === id)!)}
          />
          {overlap.hint && <p>{overlap.hint}</p>}
          {overlap !== AT_ONCE && <Changeover />}
        </>
      )}
      <Refusal error={rotate.error ?? end.error} />
      <HowTo
        call={{ method: 'POST', path: `${path}/webhooks/${id}/secret`, body: { overlap_seconds: Number(overlap.id) } }}
        command={`cstar webhooks rotate-secret ${id} --overlap ${overlap.id}s`}
      />
    </Dialog>
  );
}
