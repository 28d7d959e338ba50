import { Activity, ArrowUp, Pause, Play } from 'lucide-react';
import { useDeferredValue, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { useCan, useSession, useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { count } from '../../ui/duration.ts';
import { Field } from '../../ui/Field.tsx';
import { HowTo, quoted } from '../../ui/HowTo.tsx';
import { Page } from '../../ui/Page.tsx';
import { Empty, NoPermission } from '../../ui/State.tsx';
import { TypeSelect } from '../event-types/TypeSelect.tsx';
import { Connection } from './Connection.tsx';
import { EventDialog } from './EventDialog.tsx';
import { EventTable } from './EventTable.tsx';
import { Feed, ROWS_MAX } from './feed.ts';
import css from './Live.module.css';
import { wanted } from './rows.ts';
import { useStream } from './useStream.ts';

const LEAD = 'The team’s events as they happen. What happens while the connection is down is caught up with once it is back.';

export default function Live() {
  const can = useCan();
  return (
    <Page title="Live" lead={LEAD}>
      {can('events:read') ? <Stream /> : <NoPermission />}
    </Page>
  );
}

function Stream() {
  const [, go] = useLocation();
  const [query, setQuery] = useSearchParams();
  const pattern = query.get('types') ?? undefined;
  const opened = query.get('event');
  const [search, setSearch] = useState('');
  const [isPaused, pause] = useState(false);
  const [isAtTop, setAtTop] = useState(true);
  const [feed] = useState(() => new Feed());
  const stream = useStream(useSession(), feed);
  const shown = useSyncExternalStore(feed.subscribe, feed.shown);
  const sought = useDeferredValue(search);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => feed.want(wanted(pattern, sought)), [feed, pattern, sought]);
  useEffect(() => feed.hold(isPaused || !isAtTop), [feed, isPaused, isAtTop]);
  const isEmpty = shown.rows.length === 0 && shown.waiting === 0;
  // Without a table nothing scrolls, and nothing would say that its next one begins at the top.
  useEffect(() => {
    if (isEmpty) setAtTop(true);
  }, [isEmpty]);
  const setPattern = (types: string | undefined) => setQuery(types ? { types } : {});
  const newest = () => {
    pause(false);
    setAtTop(true);
    frame.current?.scrollTo({ top: 0 });
  };
  return (
    <>
      <div className={css.bar}>
        <Connection {...stream} />
        <TypeSelect value={pattern} onChange={setPattern} />
        <Field label="Search" type="search" isRequired placeholder="A word or an id in an event" value={search} onChange={setSearch} />
        <Button onPress={() => pause(!isPaused)}>
          {isPaused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
          {isPaused ? 'Resume' : 'Pause'}
        </Button>
      </div>
      {isEmpty ? (
        <Nothing came={shown.came} onReplay={stream.replay} />
      ) : (
        <div className={css.feed}>
          {shown.waiting > 0 && (
            <div className={css.new}>
              <Button small look="primary" onPress={newest}>
                <ArrowUp aria-hidden="true" /> {count(shown.waiting, 'new event')}
              </Button>
            </div>
          )}
          <EventTable rows={shown.rows} frame={frame} onScroll={(px) => setAtTop(px <= 0)} />
        </div>
      )}
      {shown.rows.length > 0 && (
        <p className={css.count}>
          {count(shown.rows.length, 'event')} shown, of {count(shown.came, 'that came', 'that came')}.
          {shown.came > ROWS_MAX && ` Of these, the newest ${count(ROWS_MAX, 'event')} are kept here, at most.`}
        </p>
      )}
      <ByOtherWays pattern={pattern} />
      {opened && <EventDialog id={opened} onClose={() => go(pattern ? `/live?types=${encodeURIComponent(pattern)}` : '/live')} />}
    </>
  );
}

function Nothing({ came, onReplay }: { came: number; onReplay: () => void }) {
  const icon = <Activity aria-hidden="true" />;
  if (came > 0) {
    return (
      <Empty title="Nothing here matches" icon={icon}>
        {count(came, 'event')} came, and none has what you look for.
      </Empty>
    );
  }
  const actions = (
    <div className={css.actions}>
      <ButtonLink href="/event-types">Send an example</ButtonLink>
      <Button onPress={onReplay}>Replay what is kept</Button>
    </div>
  );
  return (
    <Empty title="Waiting for events" icon={icon} action={actions}>
      What is published from now on is shown here at once.
    </Empty>
  );
}

function ByOtherWays({ pattern }: { pattern: string | undefined }) {
  const path = useTeamPath();
  const types = pattern && encodeURIComponent(pattern);
  return (
    <HowTo
      call={{ method: 'GET', path: `${path}/realtime${types ? `?types=${types}` : ''}` }}
      command={`cstar listen${pattern ? ` --events ${quoted(pattern)}` : ''}`}
    />
  );
}
