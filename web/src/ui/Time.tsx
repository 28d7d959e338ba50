import { useSyncExternalStore } from 'react';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const ofToday = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const ofOtherDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

interface Props {
  /** As the API writes it: RFC 3339 in UTC. */
  at: string;
  /** "2 min. ago" or "in 5 min."; further than a day away it is told exactly. */
  relative?: boolean;
  /** "14:30:00" of today, "21 Nov, 14:30" of other days. */
  brief?: boolean;
}

/** A time in the reader's zone; in UTC on hover. */
export function Time({ at, relative = false, brief = false }: Props) {
  return (
    <time dateTime={at} title={`${at.slice(0, 19).replace('T', ' ')} UTC`}>
      {relative ? <Relative at={at} /> : brief ? briefly(new Date(at), new Date()) : exact.format(new Date(at))}
    </time>
  );
}

function briefly(at: Date, now: Date): string {
  return (at.toDateString() === now.toDateString() ? ofToday : ofOtherDay).format(at);
}

function Relative({ at }: { at: string }) {
  return fromNow(new Date(at), useNow());
}

/** How far away a time is, in words. */
export function fromNow(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  const far = Math.abs(ms);
  if (far < 2 * TICK_MS) return ago.format(0, 'second');
  if (far < MINUTE_MS) return ago.format(Math.trunc(ms / 1000), 'second');
  if (far < HOUR_MS) return ago.format(Math.trunc(ms / MINUTE_MS), 'minute');
  if (far < DAY_MS) return ago.format(Math.trunc(ms / HOUR_MS), 'hour');
  return exact.format(at);
}

/** One clock for all times on the page: it goes while somebody looks at it. */
const clock = {
  now: new Date(),
  readers: new Set<() => void>(),
  timer: undefined as ReturnType<typeof setInterval> | undefined,
};

const TICK_MS = 5000;

function subscribe(reader: () => void): () => void {
  clock.readers.add(reader);
  clock.timer ??= setInterval(tick, TICK_MS);
  queueMicrotask(tick);
  return () => {
    clock.readers.delete(reader);
    if (clock.readers.size > 0) return;
    clearInterval(clock.timer);
    clock.timer = undefined;
  };
}

function tick(): void {
  clock.now = new Date();
  for (const each of clock.readers) each();
}

/** The time, some seconds old at most. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => clock.now);
}
