import type { CreateWebhook, UpdateWebhook, Webhook } from '@cstar/client';
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { useCStar } from '../../app/session.tsx';
import { keepSecret } from './fresh-secret.ts';

const REFRESH_MS = 15_000;
/** Counting a day's deliveries is work for the server: a minute old is fresh enough. */
const STATS_FRESH_MS = 60_000;

/** The team's webhooks: there are a hundred at most, unless the operator allows more, and all are listed. */
export function useWebhookList() {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['webhooks'], queryFn: () => Array.fromAsync(cstar.webhooks.list({ limit: 200 })) });
}

export function useWebhook(id: string) {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['webhook', id], queryFn: () => cstar.webhooks.get(id), refetchInterval: REFRESH_MS });
}

/** A webhook to be edited, and which version of it that is. Read once: what is edited does not change under the hand. */
export function useWebhookToEdit(id: string) {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['webhook-to-edit', id], queryFn: () => cstar.webhooks.getTagged(id), staleTime: 0, gcTime: 0 });
}

export function useStats(id: string) {
  const cstar = useCStar();
  return queryOptions({
    queryKey: ['webhook-stats', id],
    queryFn: () => cstar.webhooks.stats(id),
    staleTime: STATS_FRESH_MS,
    refetchInterval: STATS_FRESH_MS,
  });
}

export function useEventTypes() {
  const cstar = useCStar();
  return queryOptions({
    queryKey: ['event-types'],
    queryFn: () => Array.fromAsync(cstar.eventTypes.list({ limit: 200 })),
    staleTime: 60_000,
  });
}

export const RECENT_SHOWN = 6;

export function useRecentDeliveries(webhook: string, limit: number) {
  const cstar = useCStar();
  return queryOptions({
    queryKey: ['deliveries', 'of-webhook', webhook, limit],
    queryFn: () => cstar.deliveries.list({ webhook, limit }).page(),
    refetchInterval: REFRESH_MS,
  });
}

export function useCreate() {
  const cstar = useCStar();
  const queries = useQueryClient();
  const changed = useChanged();
  return useMutation({
    mutationFn: (webhook: CreateWebhook) => cstar.webhooks.create(webhook),
    // Here and at once: what is given to `mutate` is not called once the form is gone, and reading anew may take its time.
    onSuccess: ({ id, secret }) => {
      keepSecret(queries, id, secret);
      void changed(id);
    },
  });
}

export function useUpdate(id: string) {
  const cstar = useCStar();
  const changed = useChanged();
  return useMutation({
    mutationFn: ({ ifMatch, ...change }: UpdateWebhook & { ifMatch?: string | undefined }) =>
      cstar.webhooks.update(id, change, { ifMatch }),
    onSuccess: (now) => changed(id, now),
  });
}

export function useDelete(id: string) {
  const cstar = useCStar();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => cstar.webhooks.delete(id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['webhooks'] }),
  });
}

export function useRotate(id: string) {
  const cstar = useCStar();
  const queries = useQueryClient();
  const changed = useChanged();
  return useMutation({
    mutationFn: (overlapSeconds: number) => cstar.webhooks.rotateSecret(id, { overlap_seconds: overlapSeconds }),
    onSuccess: ({ secret }) => {
      keepSecret(queries, id, secret);
      void changed(id);
    },
  });
}

export function useEndOverlap(id: string) {
  const cstar = useCStar();
  const changed = useChanged();
  return useMutation({ mutationFn: () => cstar.webhooks.endOverlap(id), onSuccess: () => changed(id) });
}

export function useTest(id: string) {
  const cstar = useCStar();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (type: string) => cstar.webhooks.test(id, type ? { type } : {}),
    // The answer is shown at once: nothing waits for what is read anew.
    onSettled: () => {
      for (const name of ['deliveries', 'webhook-stats', 'webhook']) void queries.invalidateQueries({ queryKey: [name] });
    },
  });
}

export function useRecover(id: string) {
  const cstar = useCStar();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (since: string) => cstar.webhooks.recover(id, { since }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['operations'] }),
  });
}

/** What was read of a webhook before it was changed is old. */
function useChanged() {
  const queries = useQueryClient();
  return async (id: string, now?: Webhook) => {
    if (now) queries.setQueryData(['webhook', id], now);
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['webhooks'] }),
      queries.invalidateQueries({ queryKey: ['webhook', id] }),
    ]);
  };
}
