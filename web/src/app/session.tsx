import { CStarClient, type Scope, type Session, type SignIn } from '@cstar/client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { refusal } from '../api/refusal.ts';
import { Failure } from '../ui/State.tsx';
import { Over } from '../ui/Over.tsx';
import { beginAs, beginAsNobody, end, SESSION, type Signed } from './queries.ts';

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
  // Another tab of this browser may have signed in to another team, or out.
  const asked = { queryKey: SESSION, queryFn: current, staleTime: Infinity, refetchOnWindowFocus: 'always' } as const;
  const { data: signed, error, refetch } = useQuery(asked);
  if (signed === undefined) {
    return error && <Failure error={error} onRetry={() => void refetch()} title="The server could not be reached" />;
  }
  if (signed === 'out') return signIn(false);
  return (
    <>
      <InTeam key={signed.session.team_id} session={signed.session}>
        {children}
      </InTeam>
      {signed.hasEnded && <Over label="Sign in to your team">{signIn(true)}</Over>}
    </>
  );
}

function InTeam({ session, children }: { session: Session; children: ReactNode }) {
  // Each session has a client of its own, so that streams begin anew with it.
  const { team_id, key } = session;
  const cstar = useMemo(() => new CStarClient({ teamId: team_id }), [team_id, key.id]);
  const known = useMemo(() => ({ session, cstar, can: (scope: Scope) => session.key.scopes.includes(scope) }), [session, cstar]);
  return <Context value={known}>{children}</Context>;
}

async function current(): Promise<Signed> {
  try {
    return beginAs(await door.session.get());
  } catch (error) {
    if (isOver(error)) return end();
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
  return useMutation({ mutationFn: signOut, onSuccess: beginAsNobody });
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
