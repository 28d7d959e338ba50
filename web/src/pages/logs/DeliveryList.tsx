import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { ListChecks, RotateCw } from 'lucide-react';
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { useCan, useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { HowTo } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { Empty, Failure, Loading, NoPermission, Outdated } from '../../ui/State.tsx';
import { useWebhookList } from '../webhooks/calls.ts';
import { useDeliveries } from './calls.ts';
import { Deliveries } from './Deliveries.tsx';
import { asFlags, asQuery, type LogFilter, readFilter, writeFilter } from './filter.ts';
import { FilterBar, type SetFilter } from './FilterBar.tsx';
import { Operations } from './Operations.tsx';
import { ResendAll } from './ResendAll.tsx';

const LEAD = 'Each event on its way to each webhook: what was sent, what was answered, and what is tried again.';

export default function DeliveryList() {
  const can = useCan();
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => readFilter(search), [search]);
  const setFilter = useCallback<SetFilter>((next, how) => setSearch(writeFilter(next), how), [setSearch]);
  if (!can('deliveries:read')) {
    return (
      <Page title="Logs">
        <NoPermission />
      </Page>
    );
  }
  return (
    <Page title="Logs" lead={LEAD} actions={can('deliveries:write') && <ResendAll filter={filter} />}>
      <FilterBar filter={filter} onChange={setFilter} />
      {can('deliveries:write') && <Operations />}
      <Log filter={filter} search={search.toString()} onClear={() => setFilter({})} />
      <ByOtherWays filter={filter} />
    </Page>
  );
}

function Log({ filter, search, onClear }: { filter: LogFilter; search: string; onClear: () => void }) {
  const can = useCan();
  const queries = useQueryClient();
  const asked = useDeliveries(filter);
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery(asked);
  const webhooks = useQuery({ ...useWebhookList(), enabled: can('webhooks:read') }).data;
  const urls = useMemo(() => new Map(webhooks?.map(({ id, url }) => [id, url])), [webhooks]);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.data) ?? [], [data]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !error) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, error, fetchNextPage]);

  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
  return (
    <>
      <Outdated error={error} />
      {rows.length > 0 || hasNextPage ? (
        <Deliveries rows={rows} urls={urls} place={search} onNearEnd={more} isLooking={hasNextPage} />
      ) : search === '' ? (
        <Nothing />
      ) : (
        <Empty title="No delivery matches" icon={<ListChecks aria-hidden="true" />} action={<Button onPress={onClear}>Clear the filter</Button>}>
          Deliveries are kept as long as their events.
        </Empty>
      )}
      {data.pages.length > 1 && (
        <p>
          <Button small onPress={() => void queries.resetQueries({ queryKey: asked.queryKey })}>
            <RotateCw aria-hidden="true" /> Begin again with the newest
          </Button>
        </p>
      )}
    </>
  );
}

function Nothing() {
  return (
    <Empty
      title="Nothing was sent yet"
      icon={<ListChecks aria-hidden="true" />}
      action={<ButtonLink href="/event-types">Send an example</ButtonLink>}
    >
      Once an event happens that one of your webhooks wants, its delivery stands here.
    </Empty>
  );
}

function ByOtherWays({ filter }: { filter: LogFilter }) {
  const path = useTeamPath();
  const asked = asQuery(filter, new Date());
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)])).toString();
  const flags = asFlags(asked);
  return <HowTo call={{ method: 'GET', path: `${path}/deliveries${query && `?${query}`}` }} command={`cstar deliveries list${flags}`} />;
}
