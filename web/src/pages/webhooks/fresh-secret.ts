// A secret that was just made. It is in this tab's memory alone, not in its history or in storage, until somebody says that it
// was kept or signs in as another: an answer that comes after its form was left is not lost.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';

/** `of`: the webhook's id, or whatever the secret is of. */
const keyOf = (of: string) => ['fresh-secret', of];

export function keepSecret(queries: QueryClient, of: string, secret: string): void {
  queries.setQueryDefaults(keyOf(of), { gcTime: Infinity, staleTime: Infinity });
  queries.setQueryData(keyOf(of), secret);
}

/** The secret that waits to be seen, and what forgets it. */
export function useFreshSecret(of: string): [secret: string | undefined, forget: () => void] {
  const queries = useQueryClient();
  const { data } = useQuery<string | null>({ queryKey: keyOf(of), enabled: false });
  return [data ?? undefined, () => queries.setQueryData(keyOf(of), null)];
}
