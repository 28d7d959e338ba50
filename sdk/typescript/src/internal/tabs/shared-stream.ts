// One stream for all tabs: the tab whose turn it is reads, and tells the others what it is told.
import { KeyError, RealtimeError } from '../../errors.js';
import { Linked } from '../abort.js';
import { backoff } from '../backoff.js';
import type { EventStream, Source, StreamStart, Told } from '../stream/stream.js';
import { Mailbox } from './mailbox.js';
import { received, sendable, type Tale } from './message.js';
import { placed } from './place.js';
import { Turn, type Asked } from './turn.js';

/** A stream that stands says something every 15 s unless said otherwise; 2.5 times that without a word is too long. */
const SILENCES = 2.5;

/** A tab in the background may be late by so much: browsers let its timers run once a minute. And 30 s to open a stream. */
const LATE_MS = 90_000;

/** Tabs that miss the one that reads do not all take its turn away in the same moment. */
const SPREAD_MS = 10_000;

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
  /** How often this tab could not have a key when it was its turn, since its stream last stood. */
  #keyFailures = 0;
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
    const channel = channelOf(name);
    if (channel === undefined) return yield* this.#alone(signal);
    const mailbox = new Mailbox<Tale>();
    const wake = (): void => mailbox.wake();
    const ask = (asked: Asked = {}): Turn => {
      const asking = new Turn(this.#locks, name, asked);
      asking.settled.addEventListener('abort', wake);
      return asking;
    };
    let turn = ask();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      const message = received(data);
      if (message === undefined) return;
      if (!('hello' in message)) mailbox.put(message);
      else if (turn.isGranted) this.#tell(channel, { kind: 'passed' }, this.cursor);
    };
    signal.addEventListener('abort', wake);
    channel.postMessage({ hello: true });
    try {
      while (!signal.aborted) {
        if (turn.isDenied) return yield* this.#alone(signal);
        if (turn.isGranted) {
          mailbox.clear(); // What waits would be told late: the stream begins where this tab has come to.
          const next = yield* this.#read(channel, turn, signal);
          if (next === 'ended' || signal.aborted) return;
          turn = ask(next);
        }
        const tale = await mailbox.take(this.#patienceMs);
        if (signal.aborted || turn.settled.aborted) continue;
        if (tale !== undefined) {
          if (yield* this.#follow(tale, turn.settled, signal)) return;
        } else {
          yield* this.#standing(false);
          turn.end();
          turn = ask({ takeAway: true });
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      turn.end();
      channel.close();
    }
  }

  /** Reads from the server for this tab alone, where the browser lets it have no part in what the others share. */
  async *#alone(signal: AbortSignal): AsyncGenerator<Told, void, undefined> {
    const stream = this.#open({ lastEventId: this.cursor });
    for await (const told of stream.told(signal)) {
      this.cursor = stream.cursor;
      yield told;
    }
  }

  /** Reads from the server and tells the other tabs, until the turn is over: how to ask for the next one, if the stream has not ended. */
  async *#read(channel: BroadcastChannel, turn: Turn, signal: AbortSignal): AsyncGenerator<Told, Asked | 'ended', undefined> {
    const reading = new Linked(signal, turn.over);
    const stream = this.#open({ lastEventId: this.cursor });
    try {
      for await (const read of stream.told(reading.signal)) {
        const told = read.kind === 'disconnected' ? this.#disconnected(read.error) : read;
        if (told.kind === 'open') {
          this.#heartbeatMs = told.heartbeatMs;
          this.#keyFailures = 0;
        }
        if (told.kind !== 'passed' && told.kind !== 'event' && told.kind !== 'gap') this.#connected = told.kind === 'open';
        this.#tell(channel, told, told.kind === 'gap' ? told.gap.to : stream.cursor);
        yield told;
        if (told.kind === 'ended') return 'ended';
        if (told.kind === 'disconnected' && told.error.cause instanceof KeyError) return { afterMs: told.error.retryInMs ?? 0 };
      }
      return {};
    } finally {
      reading.release();
      turn.end();
    }
  }

  /** A key that this tab cannot have, another one may: so it gives its turn up, and counts by itself when to ask for the next. */
  #disconnected(error: RealtimeError): Told & { kind: 'disconnected' } {
    if (!(error.cause instanceof KeyError)) return { kind: 'disconnected', error };
    const waitMs = backoff(this.#keyFailures, Math.random());
    this.#keyFailures += 1;
    const { message, cause } = error;
    return { kind: 'disconnected', error: new RealtimeError(message, this.#keyFailures, true, waitMs, undefined, undefined, { cause }) };
  }

  #tell(channel: BroadcastChannel, told: Told, to: string | undefined): void {
    const retryInMs = told.kind === 'disconnected' ? (told.error.retryInMs ?? 0) : 0;
    const nextInMs = this.#connected ? SILENCES * this.#heartbeatMs : retryInMs + LATE_MS;
    const tale = { told, from: this.cursor, to, isGap: told.kind === 'gap', connected: this.#connected, nextInMs };
    channel.postMessage(sendable(tale));
    this.cursor = to;
  }

  /** Makes of another tab's tale what this tab is to be told; true if it cannot follow. */
  async *#follow(tale: Tale, turn: AbortSignal, signal: AbortSignal): AsyncGenerator<Told, boolean, undefined> {
    const { told, to, connected, nextInMs } = tale;
    this.#patienceMs = nextInMs + Math.random() * SPREAD_MS;
    if (told.kind === 'disconnected') {
      const { message, attempt, retryInMs, status, code } = told.error;
      this.#connected = false;
      yield { kind: 'disconnected', error: new RealtimeError(message, attempt, true, retryInMs, status, code, {}) };
    }
    const place = placed(this.cursor, tale);
    if (place === 'hole' && (yield* this.#catchUp(turn, signal))) return true;
    if (turn.aborted) return false;
    yield* this.#standing(connected); // Once it has a place: what is published from then on is not missed.
    if (place === 'news') {
      this.cursor = to;
      if (told.kind === 'event' || told.kind === 'gap') yield told;
    }
    return false;
  }

  /** Reads what this tab has missed, unless it is its turn to read everything; true if the server refuses. */
  async *#catchUp(turn: AbortSignal, signal: AbortSignal): AsyncGenerator<Told, boolean, undefined> {
    const reading = new Linked(signal, turn);
    const stream = this.#open({ lastEventId: this.cursor, untilHead: true });
    let refused = false;
    try {
      for await (const told of stream.told(reading.signal)) {
        this.cursor = stream.cursor;
        if (told.kind === 'event' || told.kind === 'gap') yield told;
        if (told.kind === 'disconnected') {
          refused = !told.error.willRetry;
          this.#connected = false;
          yield told;
        }
      }
    } finally {
      reading.release();
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

/** The channel of this name, unless the browser lets this page have none. */
function channelOf(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
