import type { Key } from '@cstar/client';
import { type ReactNode, useState } from 'react';
import { useSession, useTeamPath } from '../../app/session.tsx';
import { Badge, Chip } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Refusal } from '../../ui/State.tsx';
import { Time } from '../../ui/Time.tsx';
import { tell } from '../../ui/toast.tsx';
import { useRevoke } from './calls.ts';
import css from './KeyList.module.css';
import { SCOPES } from './scopes.ts';

export function KeyRow({ of: key, isOver }: { of: Key; isOver: boolean }) {
  const isOurs = useSession().key.id === key.id;
  const [isAsked, ask] = useState(false);
  const { id, name, scopes, types, created_at, last_used_at, expires_at, revoked_at } = key;
  return (
    <li className={css.row}>
      <div className={css.what}>
        <p className={css.name}>
          <bdi>{name}</bdi>
          {isOurs && <Badge tone="accent">This session</Badge>}
        </p>
        <p className={css.id}>
          <code>{id}</code>
        </p>
        <div className={css.chips}>
          {scopes.map((scope) => (
            <Chip key={scope} title={SCOPES[scope]}>
              {scope}
            </Chip>
          ))}
        </div>
      </div>
      <dl className={css.facts}>
        <Fact title="Sees">{types.includes('*') ? 'all types' : <code>{types.join(', ')}</code>}</Fact>
        <Fact title="Last used">{last_used_at ? <Time at={last_used_at} relative /> : 'never'}</Fact>
        <Fact title="Made">
          <Time at={created_at} relative />
        </Fact>
        {revoked_at ? (
          <Fact title="Revoked">
            <Time at={revoked_at} relative />
          </Fact>
        ) : (
          expires_at && (
            <Fact title={isOver ? 'Expired' : 'Expires'}>
              <Time at={expires_at} relative />
            </Fact>
          )
        )}
      </dl>
      {!isOver && (
        <Button small aria-label={`Revoke ${name}`} onPress={() => ask(true)}>
          Revoke…
        </Button>
      )}
      {isAsked && <RevokeDialog of={key} isOurs={isOurs} onClose={() => ask(false)} />}
    </li>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function RevokeDialog({ of: { id, name }, isOurs, onClose }: { of: Key; isOurs: boolean; onClose: () => void }) {
  const path = useTeamPath();
  const revoke = useRevoke();
  const gone = () => {
    tell('The key was revoked.');
    onClose();
  };
  return (
    <Dialog
      title="Revoke this key?"
      mustAnswer
      isOpen
      isBusy={revoke.isPending}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={revoke.isPending} onPress={onClose}>
            Cancel
          </Button>
          <Button look="danger" isPending={revoke.isPending} onPress={() => revoke.mutate(id, { onSuccess: gone })}>
            Revoke
          </Button>
        </>
      }
    >
      <p>
        Whoever uses <strong><bdi>{name}</bdi></strong> is refused from now on; its streams end within a second, and so do the tokens and
        sessions that it made. This cannot be undone.
      </p>
      {isOurs && <p>It is the key of this session: you will be signed out.</p>}
      <Refusal error={revoke.error} />
      <HowTo call={{ method: 'DELETE', path: `${path}/keys/${id}` }} command={`cstar keys revoke ${id}`} />
    </Dialog>
  );
}
