import { CStarClient, type RealtimeError, type Session } from '@cstar/client';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { SESSION } from '../../app/queries.ts';
import type { Feed } from './feed.ts';
import { eventRow, gapRow } from './rows.ts';

interface StreamState {
  isLive: boolean;
  /** Why it is not, as far as that is known. */
  error: RealtimeError | null;
}

/** The team's stream, into the feed, for as long as the page is shown. It has a client of its own, since it ends with it. */
export function useStream({ team_id: teamId, key }: Session, feed: Feed) {
  const queries = useQueryClient();
  const [state, setState] = useState<StreamState>({ isLive: false, error: null });
  const [start, begin] = useState<{ lastEventId?: string | undefined }>({});
  const client = useRef<CStarClient>(undefined);
  const goOn = () => begin({ lastEventId: client.current?.realtime.lastEventId });
  // Whoever has signed in again goes on where the session before stopped.
  useEffect(() => {
    if (client.current) goOn();
  }, [key.id]);
  useEffect(() => {
    const cstar = new CStarClient({ teamId, ...start });
    client.current = cstar;
    const { realtime } = cstar;
    realtime.onConnectionChange((isLive) => setState(({ error }) => ({ isLive, error: isLive ? null : error })));
    realtime.onError((error) => {
      if (error.code === 'handler_threw') reportError(error.cause);
      else setState(({ isLive }) => ({ isLive, error }));
      // A stream that is refused may mean that the session is over, which the session itself says.
      if (!error.willRetry) void queries.invalidateQueries({ queryKey: SESSION });
    });
    realtime.onGap((gap) => feed.add(gapRow(gap)));
    realtime.onAny((event) => feed.add(eventRow(event, realtime.lastEventId!)));
    return () => cstar.destroy();
  }, [teamId, feed, start, queries]);
  return {
    ...state,
    /** Opens a stream that has ended again, where it stopped. */
    goOn,
    /** Begins with the oldest event that is kept. */
    replay: () => {
      feed.clear();
      begin({ lastEventId: '0' });
    },
  };
}
