import type { Session } from '@cstar/client';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { refusal } from '../api/refusal.ts';

export const SESSION = ['session'];

/** What was asked and answered. An answer of 401 to anything means that the session is over. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: whenRefused }),
  mutationCache: new MutationCache({ onError: whenRefused }),
  // The client repeats what may be repeated; what it gives up is told. A browser that says that it is offline may still reach a
  // server on its own network.
  defaultOptions: {
    queries: { retry: false, staleTime: 5_000, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
});

/** A session; the one that has ended, over whose page somebody may sign in again; or nobody's. */
export type Signed = { session: Session; hasEnded: boolean } | 'out';

export function signed(): Signed | undefined {
  return queries.getQueryData<Signed>(SESSION);
}

/** Whoever is signed in from now on. What was read for another team is forgotten; what the same one had open is read anew. */
export function beginAs(session: Session): Signed {
  const before = signed();
  const now = { session, hasEnded: false };
  const isAnother = typeof before !== 'object' || before.session.team_id !== session.team_id;
  queries.setQueryData<Signed>(SESSION, now);
  if (isAnother) forget();
  else if (before.hasEnded || before.session.key.id !== session.key.id) void queries.invalidateQueries({ predicate: isOfTeam });
  return now;
}

export function beginAsNobody(): void {
  queries.setQueryData<Signed>(SESSION, 'out');
  forget();
}

/** The session is over: its page stays as it is, below the one that asks to sign in, so that a form is not lost. */
export function end(): Signed {
  const before = signed();
  const now: Signed = typeof before === 'object' ? { ...before, hasEnded: true } : 'out';
  queries.setQueryData<Signed>(SESSION, now);
  return now;
}

function forget(): void {
  queries.removeQueries({ predicate: isOfTeam });
}

function isOfTeam({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[0] !== SESSION[0];
}

function whenRefused(error: unknown): void {
  const now = signed();
  if (typeof now !== 'object' || now.hasEnded) return;
  const { status } = refusal(error);
  if (status === 401) end();
  // Somebody may have signed in to another team, in another tab of this browser.
  if (status === 403) void queries.invalidateQueries({ queryKey: SESSION });
}
