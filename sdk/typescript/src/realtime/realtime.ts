// The stream of a team's events, and the functions that are told of it.
import { CStarError, RealtimeError } from '../errors.js';
import type { CatalogEvents } from '../generated/catalog.js';
import { Linked } from '../internal/abort.js';
import { Callbacks } from '../internal/callbacks.js';
import { Connection } from '../internal/connection.js';
import { matcher } from '../internal/pattern.js';
import { Opener } from '../internal/stream/open.js';
import { EventStream, type Source, type StreamStart, type Told } from '../internal/stream/stream.js';
import { withResource } from '../internal/with-resource.js';
import type { Envelope, NotLiteral, PatternOf, RealtimeEvent } from '../types/event.js';
import type { Off, RealtimeOptions } from '../types/options.js';
import type { EventsOptions, Gap } from '../types/realtime.js';

type Handler = (event: Envelope) => unknown;

/**
 * Events as they happen.
 *
 * The stream opens by itself when the first handler, or a listener for its connection, is registered; it reconnects by itself, and
 * stays open until `destroy()` (T11). Events come once and in order; what could not be replayed is told to `onGap`.
 */
export class Realtime<Map = CatalogEvents> {
  readonly #connection: Connection;
  readonly #types: readonly string[] | undefined;
  readonly #stream: Source;
  readonly #destroyed = new AbortController();
  readonly #events = new Callbacks<[Envelope]>((error) => this.#threw(error));
  readonly #changes = new Callbacks<[boolean]>((error) => this.#threw(error));
  readonly #gaps = new Callbacks<[Gap]>((error) => this.#threw(error));
  readonly #errors = new Callbacks<[RealtimeError]>((error) => console.error('cStar: a handler of errors threw', error));
  #connected = false;
  #begun = false;

  constructor(options: RealtimeOptions, /** @internal */ connection = new Connection(options)) {
    this.#connection = connection;
    const { share, types } = options;
    this.#types = types;
    const open = (start: StreamStart): EventStream => this.#open(start);
    this.#stream = share?.(connection.named(types), options, open) ?? open(options);
  }

  /** Whether the stream stands (R20). To read it does not connect. */
  get connected(): boolean {
    return this.#connected;
  }

  /**
   * Up to where events were handed out, those that `types` left out included; in a handler, the position of its event. Keep it
   * to go on there after a restart.
   */
  get lastEventId(): string | undefined {
    return this.#stream.cursor;
  }

  /** Calls the handler for each event that the pattern matches, where the pattern is known at run time alone. */
  on<Pattern extends string>(pattern: Pattern & NotLiteral<Pattern>, handler: (event: Envelope) => unknown): Off;
  /** Calls the handler for each event that the pattern matches: `ticket.created`, `ticket.*`, `*.created` or `*`. */
  on<Pattern extends PatternOf<Map>>(pattern: Pattern, handler: (event: RealtimeEvent<Map, Pattern>) => unknown): Off;
  on(pattern: string, handler: (event: never) => unknown): Off {
    const matches = matcher(pattern);
    this.#begin();
    return this.#events.add(handler as Handler, ({ type }) => matches(type));
  }

  /** Calls the handler for every event. */
  onAny(handler: (event: RealtimeEvent<Map>) => unknown): Off {
    this.#begin();
    return this.#events.add(handler as Handler);
  }

  /** Calls back with true on connect and false on disconnect; soon, with true, if it is connected already (T12). */
  onConnectionChange(callback: (connected: boolean) => unknown): Off {
    this.#begin();
    const off = this.#changes.add(callback);
    if (!this.#connected) return off;
    let on = true;
    queueMicrotask(() => {
      if (on && this.#connected) this.#changes.callOne(callback, true);
    });
    return () => {
      on = false;
      off();
    };
  }

  /** Calls back once for each failed try, and for each handler that throws (T13). It opens nothing by itself. */
  onError(callback: (error: RealtimeError) => unknown): Off {
    this.#mustBeAlive();
    return this.#errors.add(callback);
  }

  /** Calls back for each part of the log that was missed for good (T16). It opens nothing by itself. */
  onGap(callback: (gap: Gap) => unknown): Off {
    this.#mustBeAlive();
    return this.#gaps.add(callback);
  }

  /**
   * Events one after the other, on a stream of their own: whoever is slow to take them holds the server back, and nothing piles
   * up. Failed tries and gaps are told to `onError` and `onGap`. It ends with the signal or `destroy()`, and throws once it is not
   * tried again.
   */
  events<const Pattern extends PatternOf<Map> = '*'>(
    options: EventsOptions<Pattern> = {},
  ): AsyncIterableIterator<RealtimeEvent<Map, Pattern>, void, undefined> {
    this.#mustBeAlive();
    this.#connection.mustHaveTeam();
    const ended = new AbortController();
    const events = this.#iterate(options, ended.signal) as AsyncGenerator<RealtimeEvent<Map, Pattern>, void, undefined>;
    return {
      next: () => events.next(),
      // A generator would first wait for the event that it is waiting for.
      return: () => {
        ended.abort();
        return events.return();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Ends everything, for good (T14). */
  destroy(): void {
    this.#destroyed.abort();
    this.#connectedIs(false);
    for (const callbacks of [this.#events, this.#changes, this.#gaps, this.#errors]) callbacks.clear();
  }

  /** The stream opens one microtask after the first is registered, so that those registered beside it miss nothing. */
  #begin(): void {
    this.#mustBeAlive();
    this.#connection.mustHaveTeam();
    if (this.#begun) return;
    this.#begun = true;
    queueMicrotask(() => void this.#run().catch((error: unknown) => this.#failed(error)));
  }

  #open(options: EventsOptions): EventStream {
    const { types = this.#types, untilHead } = options;
    return new EventStream(new Opener(this.#connection, { types, untilHead }), options);
  }

  #mustBeAlive(): void {
    if (this.#destroyed.signal.aborted) throw new CStarError('the client was destroyed: make a new one');
  }

  async #run(): Promise<void> {
    const { signal } = this.#destroyed;
    for await (const told of this.#stream.told(signal)) {
      if (signal.aborted) return;
      this.#take(told);
    }
  }

  /** A fault of the client's own, or of what it is to share with, must not look like a stream that is quiet. */
  #failed(error: unknown): void {
    if (this.#destroyed.signal.aborted) return;
    this.#connectedIs(false);
    this.#tellError(RealtimeError.of(error, 1, undefined));
  }

  #take(told: Told): void {
    switch (told.kind) {
      case 'connecting':
        return this.#connectedIs(false);
      case 'open':
        return this.#connectedIs(true);
      case 'event':
        return this.#events.isEmpty ? undefined : this.#events.call(withResource(told.event));
      case 'gap':
        return this.#tellGap(told.gap);
      case 'disconnected':
        this.#connectedIs(false);
        return this.#tellError(told.error);
    }
  }

  async *#iterate(options: EventsOptions, ended: AbortSignal): AsyncGenerator<Envelope, void, undefined> {
    const ending = new Linked(ended, options.signal, this.#destroyed.signal);
    const stream = this.#open(options);
    try {
      for await (const told of stream.told(ending.signal)) {
        if (told.kind === 'event') yield withResource(told.event);
        else if (told.kind === 'gap') this.#tellGap(told.gap);
        else if (told.kind === 'disconnected') this.#tellFailure(told.error);
      }
    } finally {
      ending.release();
    }
  }

  #connectedIs(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#changes.call(connected);
  }

  /** A gap is never skipped in silence: where nobody listens for it, it is a warning. */
  #tellGap(gap: Gap): void {
    if (!this.#gaps.isEmpty) this.#gaps.call(gap);
    else console.warn(`cStar: events up to ${gap.to} were missed (${gap.reason}); realtime.onGap(…) is told of that`);
  }

  /** So is the end of the stream, or a handler that throws, an error. */
  #tellError(error: RealtimeError): void {
    if (!this.#errors.isEmpty) this.#errors.call(error);
    else if (!error.willRetry || error.attempt === 0) console.error('cStar:', error);
  }

  /** The last failure of an iteration is thrown to who iterates. */
  #tellFailure(error: RealtimeError): void {
    this.#errors.call(error);
    if (!error.willRetry) throw error;
  }

  #threw(error: unknown): void {
    this.#tellError(RealtimeError.ofHandler(error));
  }
}
