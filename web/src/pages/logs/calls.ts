import { type DeliveryRow, type Operation, type Page, type ResendFilter } from '@cstar/client';
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useCStar } from '../../app/session.tsx';
import { keepBegun } from './begun.ts';
import { asQuery, type LogFilter } from './filter.ts';
import { WATCH_MS, watchMs } from './watch.ts';

const PAGE_ROWS = 200;
const REFRESH_MS = 5_000;
/** A log that was read further than this stays as it was read: to read it anew is to ask for all of its pages. */
const REREAD_PAGES = 5;

/** The logs, page by page. While only the newest page is shown it is kept fresh; a reader further down is left in peace. */
export function useDeliveries(filter: LogFilter) {
  const cstar = useCStar();
  return infiniteQueryOptions({
    queryKey: ['deliveries', 'log', filter],
    queryFn: ({ pageParam, signal }) =>
      cstar.deliveries.list({ ...asQuery(filter, new Date()), limit: PAGE_ROWS, after: pageParam }, { signal }).page(),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<DeliveryRow>) => (page.has_more ? (page.next ?? undefined) : undefined),
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? REFRESH_MS : false),
    refetchOnWindowFocus: ({ state }) => state.data?.pages.length === 1,
    refetchOnMount: ({ state }) => (state.data?.pages.length ?? 0) <= 1,
    refetchOnReconnect: ({ state }) => state.data?.pages.length === 1,
    // To compare tens of thousands of rows with what came before costs more than to draw the twenty that are seen.
    structuralSharing: false,
  });
}

export function useDelivery(id: string) {
  const cstar = useCStar();
  return queryOptions({
    queryKey: ['deliveries', 'one', id],
    queryFn: () => cstar.deliveries.get(id),
    refetchInterval: ({ state }) => watchMs(state.data?.next_attempt_at, Date.now()),
  });
}

export function useEvent(id: string) {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['event', id], queryFn: () => cstar.events.get(id), staleTime: 60_000 });
}

export function useResend(id: string) {
  const cstar = useCStar();
  const changed = useChanged();
  return useMutation({ mutationFn: () => cstar.deliveries.resend(id), onSuccess: changed });
}

export function useResendCount(filter: ResendFilter) {
  const cstar = useCStar();
  return queryOptions({ queryKey: ['resend-count', filter], queryFn: () => cstar.deliveries.countResend(filter), staleTime: 0, gcTime: 0 });
}

export function useResendAll() {
  const cstar = useCStar();
  const changed = useChanged();
  const begin = async ({ filter, total }: { filter: ResendFilter; total: number | undefined }) => {
    const { id } = await cstar.deliveries.resendAll(filter);
    keepBegun(id, total);
  };
  return useMutation({ mutationFn: begin, onSuccess: changed });
}

/** The newest operations. */
export function useOperations() {
  const cstar = useCStar();
  return queryOptions({
    queryKey: ['operations'],
    queryFn: async () => (await cstar.operations.list({ limit: 20 }).page()).data,
    refetchInterval: ({ state }) => (state.data?.some(isRunning) ? WATCH_MS : false),
  });
}

export function useCancel(id: string) {
  const cstar = useCStar();
  const changed = useChanged();
  return useMutation({ mutationFn: () => cstar.operations.cancel(id), onSuccess: changed });
}

export function isRunning({ status }: Operation): boolean {
  return status === 'running';
}

export function hasEnded({ next_attempt_at }: Pick<DeliveryRow, 'next_attempt_at'>): boolean {
  return next_attempt_at == null;
}

/** What was read of deliveries is old. Nobody waits until it was read anew. */
export function useRefresh() {
  const queries = useQueryClient();
  return useCallback(() => void queries.invalidateQueries({ queryKey: ['deliveries'], predicate: isReread }), [queries]);
}

function isReread({ state }: { state: { data: unknown } }): boolean {
  const { pages } = (state.data ?? {}) as { pages?: unknown[] };
  return (pages?.length ?? 0) <= REREAD_PAGES;
}

function useChanged() {
  const queries = useQueryClient();
  const refresh = useRefresh();
  return () => {
    void queries.invalidateQueries({ queryKey: ['operations'] });
    refresh();
  };
}
