import { CStarClient, type Scope, type Session, type SignIn } from '@cstar/client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { refusal } from '../api/refusal.ts';
import { Failure } from '../ui/State.tsx';
import { beginAs, SESSION, type Signed } from './queries.ts';

/** The API before anybody is signed in: it knows of no team yet. */
const door = new CStarClient({});

interface Known {
  session: Session;
  /** The API, by the session's cookie. */
  cstar: CStarClient;
  can: (scope: Scope) => boolean;
}

const Context = createContext<Known | null>(null);

/** Shows its children to whoever is signed in, and `signIn` to others. */
export function SessionGate({ signIn, children }: { signIn: (hasEnded: boolean) => ReactNode; children: ReactNode }) {
  const { data: signed, error, refetch } = useQuery({ queryKey: SESSION, queryFn: current, staleTime: Infinity });
  const known = useMemo(() => (typeof signed === 'object' ? begin(signed) : undefined), [signed]);
  if (error) return <Failure error={error} onRetry={() => void refetch()} title="The server could not be reached" />;
  if (signed === undefined) return null;
  return known ? <Context value={known}>{children}</Context> : signIn(signed === 'ended');
}

function begin(session: Session): Known {
  const cstar = new CStarClient({ teamId: session.team_id });
  return { session, cstar, can: (scope) => session.key.scopes.includes(scope) };
}

async function current(): Promise<Signed> {
  try {
    return await door.session.get();
  } catch (error) {
    if (isOver(error)) return 'out';
    throw error;
  }
}

/** Whether an error says that there is no session, or none any more. */
function isOver(error: unknown): boolean {
  return [401, 404].includes(refusal(error).status ?? 0);
}

/** Begins a session with a team's key, or with what stands behind the `#` of a link. */
export function useSignIn(onSuccess?: () => void) {
  return useMutation({
    mutationFn: (shown: SignIn) => door.session.signIn(shown),
    onSuccess: (session) => {
      beginAs(session);
      onSuccess?.();
    },
  });
}

export function useSignOut() {
  return useMutation({ mutationFn: signOut, onSuccess: () => beginAs('out') });
}

/** Whoever is signed out already has what was asked for. */
async function signOut(): Promise<void> {
  try {
    await door.session.signOut();
  } catch (error) {
    if (!isOver(error)) throw error;
  }
}

function useKnown(): Known {
  const known = useContext(Context);
  if (!known) throw new Error('no session here');
  return known;
}

/** The API of the session's team. */
export function useCStar(): CStarClient {
  return useKnown().cstar;
}

export function useSession(): Session {
  return useKnown().session;
}

/** Whether the session may do something. What it may not is not offered; the server decides all the same. */
export function useCan(): (scope: Scope) => boolean {
  return useKnown().can;
}

/** The paths of the session's team, for showing calls of the API. */
export function useTeamPath(): string {
  return `/v1/teams/${useSession().team_id}`;
}
