import type { Session } from '@cstar/client';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { refusal } from '../api/refusal.ts';

export const SESSION = ['session'];

/** What was asked and answered. An answer of 401 to anything means that the session is over. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: whenOver }),
  mutationCache: new MutationCache({ onError: whenOver }),
  // The client repeats what may be repeated; what it gives up is told.
  defaultOptions: { queries: { retry: false, staleTime: 5_000 }, mutations: { retry: false } },
});

/** A session, or why there is none. */
export type Signed = Session | 'out' | 'ended';

/** Whoever is signed in from now on, or nobody: what was read for somebody else is forgotten. */
export function beginAs(signed: Signed): void {
  queries.setQueryData<Signed>(SESSION, signed);
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
}

function whenOver(error: unknown): void {
  const isIn = typeof queries.getQueryData<Signed>(SESSION) === 'object';
  if (isIn && refusal(error).status === 401) beginAs('ended');
}
