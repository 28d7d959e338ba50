// One stream for all tabs: the tab whose turn it is reads, and tells the others what it is told.
import { RealtimeError } from '../../errors.js';
import { Linked } from '../abort.js';
import type { EventStream, Source, StreamStart, Told } from '../stream/stream.js';
import { Mailbox } from './mailbox.js';
import { placed, type Step } from './place.js';
import { Turn } from './turn.js';

/** A stream that stands says something every 15 s unless said otherwise; 2.5 times that without a word is too long. */
const SILENCES = 2.5;

/** A tab in the background may be late by so much: browsers let its timers run once a minute. And 30 s to open a stream. */
const LATE_MS = 90_000;

/** Tabs that miss the one that reads do not all take its turn away in the same moment. */
const SPREAD_MS = 10_000;

/** What tabs say to one another. */
type Message = { hello: true } | Tale;

/** What the tab that reads was told, how it stands, and how long its next word may take. */
interface Tale extends Step {
  told: Told;
  connected: boolean;
  nextInMs: number;
}

/**
 * Each tab has its own place in the log and lets nothing pass that does not join on to it. What it has seen it drops, and where
 * something lies between, it reads that from the server itself (RT-1, RT-2): so it needs to trust nobody that a turn is passed on
 * at the right place, that no message is lost, or that it was awake all the time.
 */
export class SharedStream implements Source {
  cursor: string | undefined;
  #connected = false;
  #heartbeatMs = 15_000;
  #patienceMs = SILENCES * 15_000;
  readonly #named: Promise<string>;
  readonly #locks: LockManager;
  readonly #open: (start: StreamStart) => EventStream;

  /** Tabs of the same name share. */
  constructor(name: Promise<string>, locks: LockManager, start: StreamStart, open: (start: StreamStart) => EventStream) {
    this.#named = name;
    this.#locks = locks;
    this.#open = open;
    this.cursor = start.lastEventId;
  }

  async *told(signal: AbortSignal): AsyncGenerator<Told, void, undefined> {
    const name = await this.#named;
    if (signal.aborted) return;
    const channel = new BroadcastChannel(name);
    const mailbox = new Mailbox<Tale>();
    const wake = (): void => mailbox.wake();
    let turn = new Turn(this.#locks, name, false, wake);
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (!('hello' in data)) mailbox.put(data);
      else if (turn.isGranted) this.#tell(channel, { kind: 'passed' }, this.cursor);
    };
    signal.addEventListener('abort', wake);
    channel.postMessage({ hello: true });
    try {
      while (!signal.aborted) {
        if (turn.isGranted) {
          if ((yield* this.#read(channel, turn, signal)) || signal.aborted) return;
          turn = new Turn(this.#locks, name, false, wake);
        }
        const tale = await mailbox.take(this.#patienceMs);
        if (signal.aborted || turn.isGranted) continue;
        if (tale !== undefined) {
          if (yield* this.#follow(tale, signal)) return;
        } else {
          yield* this.#standing(false);
          turn.end();
          turn = new Turn(this.#locks, name, true, wake);
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      turn.end();
      channel.close();
    }
  }

  /** Reads from the server and tells the other tabs, until the turn is over; true if the stream has ended. */
  async *#read(channel: BroadcastChannel, turn: Turn, signal: AbortSignal): AsyncGenerator<Told, boolean, undefined> {
    const reading = new Linked(signal, turn.over);
    const stream = this.#open({ lastEventId: this.cursor });
    try {
      for await (const told of stream.told(reading.signal)) {
        if (told.kind === 'open') this.#heartbeatMs = told.heartbeatMs;
        if (told.kind !== 'passed' && told.kind !== 'event' && told.kind !== 'gap') this.#connected = told.kind === 'open';
        this.#tell(channel, told, told.kind === 'gap' ? told.gap.to : stream.cursor);
        yield told;
        if (told.kind === 'ended') return true;
      }
      return false;
    } finally {
      reading.release();
      turn.end();
    }
  }

  #tell(channel: BroadcastChannel, told: Told, to: string | undefined): void {
    const retryInMs = told.kind === 'disconnected' ? (told.error.retryInMs ?? 0) : 0;
    const nextInMs = this.#connected ? SILENCES * this.#heartbeatMs : retryInMs + LATE_MS;
    const tale = { told: sendable(told), from: this.cursor, to, isGap: told.kind === 'gap', connected: this.#connected, nextInMs };
    channel.postMessage(tale);
    this.cursor = to;
  }

  /** Makes of another tab's tale what this tab is to be told; true if it cannot follow. */
  async *#follow(tale: Tale, signal: AbortSignal): AsyncGenerator<Told, boolean, undefined> {
    const { told, to, connected, nextInMs } = tale;
    this.#patienceMs = nextInMs + Math.random() * SPREAD_MS;
    if (told.kind === 'disconnected') {
      const { message, attempt, retryInMs, status, code } = told.error;
      this.#connected = false;
      yield { kind: 'disconnected', error: new RealtimeError(message, attempt, true, retryInMs, status, code, {}) };
    }
    yield* this.#standing(connected);
    switch (placed(this.cursor, tale)) {
      case 'old':
        return false;
      case 'hole':
        return yield* this.#catchUp(signal);
      case 'news':
        this.cursor = to;
        if (told.kind === 'event' || told.kind === 'gap') yield told;
        return false;
    }
  }

  /** Reads what this tab has missed; true if the server refuses. */
  async *#catchUp(signal: AbortSignal): AsyncGenerator<Told, boolean, undefined> {
    const stream = this.#open({ lastEventId: this.cursor, untilHead: true });
    let refused = false;
    for await (const told of stream.told(signal)) {
      this.cursor = stream.cursor;
      if (told.kind === 'event' || told.kind === 'gap') yield told;
      if (told.kind === 'disconnected') {
        refused = !told.error.willRetry;
        this.#connected = false;
        yield told;
      }
    }
    if (refused) yield { kind: 'ended' };
    return refused;
  }

  /** That the stream of the tab that reads stands, or does not, if that is new. */
  *#standing(connected: boolean): Generator<Told, void, undefined> {
    if (this.#connected === connected) return;
    this.#connected = connected;
    yield connected ? { kind: 'open', resumed: true, heartbeatMs: this.#heartbeatMs } : { kind: 'connecting' };
  }
}

/** An error leaves its fields behind where it is sent to another tab; a plain object does not. */
function sendable(told: Told): unknown {
  if (told.kind !== 'disconnected') return told;
  const { message, attempt, retryInMs, status, code } = told.error;
  return { kind: told.kind, error: { message, attempt, retryInMs, status, code } };
}
