import type { CreateKey } from '@cstar/client';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { useCStar } from '../../app/session.tsx';
import { keepSecret } from '../webhooks/fresh-secret.ts';

const KEYS = ['keys'];
/** What was made last, until somebody says that it was kept. */
export const NEW_KEY = 'key';
/** The last use of a key is known to the minute. */
const REFRESH_MS = 30_000;

export function useKeys() {
  const cstar = useCStar();
  return queryOptions({ queryKey: KEYS, queryFn: () => Array.fromAsync(cstar.keys.list({ limit: 200 })), refetchInterval: REFRESH_MS });
}

export function useCreateKey() {
  const cstar = useCStar();
  const queries = useQueryClient();
  const changed = useChanged();
  return useMutation({
    mutationFn: (key: CreateKey) => cstar.keys.create(key),
    // Here and at once: what is given to `mutate` is not called once the form is gone, and reading anew may take its time.
    onSuccess: ({ key }) => {
      keepSecret(queries, NEW_KEY, key);
      void changed();
    },
  });
}

export function useRevoke() {
  const cstar = useCStar();
  const changed = useChanged();
  return useMutation({ mutationFn: (id: string) => cstar.keys.revoke(id), onSuccess: changed });
}

function useChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: KEYS });
}
