import type { Key } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { KeyRound, Plus } from 'lucide-react';
import { useState } from 'react';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Fold } from '../../ui/Fold.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page, Section } from '../../ui/Page.tsx';
import { ShownOnce } from '../../ui/ShownOnce.tsx';
import { Empty, Failure, Loading, NoPermission, Outdated } from '../../ui/State.tsx';
import { useNow } from '../../ui/Time.tsx';
import { useFreshSecret } from '../webhooks/fresh-secret.ts';
import { NEW_KEY, useKeys } from './calls.ts';
import css from './KeyList.module.css';
import { KeyRow } from './KeyRow.tsx';
import { NewKey } from './NewKey.tsx';

/** The name that the server gives to the key of a session. */
const SESSION_NAME = 'settings page';

const LEAD = 'A key opens the API for a program of yours: as much of it as the program needs, and no more.';

export default function KeyList() {
  const can = useCan();
  if (!can('keys:write')) {
    return (
      <Page title="Keys">
        <NoPermission>Whoever may see keys may make them.</NoPermission>
      </Page>
    );
  }
  return <Keys />;
}

function Keys() {
  const path = useTeamPath();
  const { data, error, refetch } = useQuery(useKeys());
  const [isOpen, setOpen] = useState(false);
  const [made, forget] = useFreshSecret(NEW_KEY);
  const add = (
    <Button look="primary" onPress={() => setOpen(true)}>
      <Plus aria-hidden="true" /> New key
    </Button>
  );
  return (
    <Page title="Keys" lead={LEAD} actions={add}>
      {made && (
        <ShownOnce title="Copy the key now" text={made} label="Copy key" onDone={forget}>
          It is shown this once. Keep it where your program finds it, in <code>CSTAR_KEY</code> for example, and in no repository.
        </ShownOnce>
      )}
      {data ? <Lists keys={data} error={error} /> : error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />}
      <HowTo call={{ method: 'GET', path: `${path}/keys` }} command="cstar keys list" />
      {isOpen && <NewKey onClose={() => setOpen(false)} />}
    </Page>
  );
}

function Lists({ keys, error }: { keys: Key[]; error: unknown }) {
  const now = useNow();
  const isOver = ({ revoked_at, expires_at }: Key) => Boolean(revoked_at) || (expires_at != null && new Date(expires_at) <= now);
  const over = keys.filter(isOver);
  const valid = keys.filter((key) => !isOver(key));
  const sessions = valid.filter(({ name }) => name === SESSION_NAME);
  const programs = valid.filter(({ name }) => name !== SESSION_NAME);
  return (
    <>
      <Outdated error={error} />
      {programs.length > 0 ? (
        <Rows keys={programs} />
      ) : (
        <Empty title="No keys" icon={<KeyRound aria-hidden="true" />}>
          Make one for each program that speaks to the API.
        </Empty>
      )}
      {sessions.length > 0 && (
        <Section
          title="Sessions of this page, by their name"
          lead="Whoever signs in here has a key of this name for as long as the session lasts; to revoke it ends the session. Any key may bear the name: revoke what nobody knows."
        >
          <Rows keys={sessions} />
        </Section>
      )}
      {over.length > 0 && (
        <Fold title={`Revoked and expired (${over.length})`}>
          <Rows keys={over} isOver />
        </Fold>
      )}
    </>
  );
}

function Rows({ keys, isOver = false }: { keys: Key[]; isOver?: boolean }) {
  return (
    <ul className={css.list}>
      {keys.map((key) => (
        <KeyRow key={key.id} of={key} isOver={isOver} />
      ))}
    </ul>
  );
}
