// The stream itself: connections one after the other, driven by whoever reads.
import { RealtimeError, StreamEndError } from '../../errors.js';
import type { Envelope } from '../../types/event.js';
import type { Gap } from '../../types/realtime.js';
import { Linked, sleep, sleepForNetwork } from '../abort.js';
import type { Opener } from './open.js';
import type { Reading } from './reading.js';
import { Reconnect, type Verdict } from './reconnect.js';
import { Session, type Effect } from './session.js';

/** What a stream tells its reader; `passed` is a sign of life, which may have moved the cursor. */
export type Told =
  | { kind: 'connecting' }
  | { kind: 'open'; resumed: boolean; heartbeatMs: number }
  | { kind: 'passed' }
  | { kind: 'event'; position: string; event: Envelope }
  | { kind: 'gap'; gap: Gap }
  | { kind: 'disconnected'; error: RealtimeError }
  | { kind: 'ended' };

/** Where handlers get what they are told from: a stream, or one that is shared. */
export interface Source {
  readonly cursor: string | undefined;
  told(signal: AbortSignal): AsyncGenerator<Told, void, undefined>;
}

/** What tells streams apart. `key` is missing where it comes from a function, which gives another one each time. */
export interface Named {
  server: string;
  team: string | undefined;
  types: readonly string[];
  key: string | undefined;
}

/** Makes the source of what is named so of `open`, which opens a stream. */
export type Share = (named: Named, start: StreamStart, open: (start: StreamStart) => EventStream) => Source;

export interface StreamStart {
  lastEventId?: string | undefined;
  untilHead?: boolean | undefined;
}

/**
 * Reads no faster than it is asked: a reader that is slow holds the server back, and no queue grows. It connects again by
 * itself, shows each event once and in order, and tells a gap where it could not (RT-1, RT-2). It ends by itself only with
 * `ended`, and without a word when the signal is aborted.
 */
export class EventStream implements Source {
  /** Up to where everything was handed out, events that the filter left out included. */
  cursor: string | undefined;
  readonly #opener: Opener;
  readonly #session: Session;
  readonly #reconnect = new Reconnect();

  constructor(opener: Opener, { lastEventId, untilHead }: StreamStart) {
    this.#opener = opener;
    this.#session = new Session(lastEventId, untilHead ?? false);
    this.cursor = lastEventId;
  }

  async *told(signal: AbortSignal): AsyncGenerator<Told, void, undefined> {
    let newKey = false;
    while (!signal.aborted) {
      yield { kind: 'connecting' };
      const connection = new Linked(signal);
      let failure: unknown;
      try {
        if (yield* this.#connection(newKey, connection.controller)) return yield { kind: 'ended' };
      } catch (error) {
        failure = error;
      } finally {
        connection.release();
        connection.controller.abort();
      }
      if (signal.aborted) return;
      const { error, retry } = this.#failed(failure);
      yield { kind: 'disconnected', error };
      if (retry === undefined) return yield { kind: 'ended' };
      newKey = retry.newKey;
      const { again, asked = 0 } = retry;
      await sleep(asked, signal);
      await sleepForNetwork(again - asked, signal);
    }
  }

  /** One connection, until it fails; true if the head that was asked for is reached. */
  async *#connection(newKey: boolean, controller: AbortController): AsyncGenerator<Told, boolean, undefined> {
    this.#session.begin();
    const reading = await this.#opener.open(this.#session.cursor, newKey, controller);
    for (;;) {
      const effects = this.#session.take(await reading.block());
      const last = effects.at(-1);
      if (last === undefined) yield this.#passed();
      for (const effect of effects) {
        if (effect === last) this.cursor = this.#session.cursor;
        if (effect.kind === 'end') return true;
        yield this.#applied(effect, reading);
      }
    }
  }

  #passed(): Told {
    this.cursor = this.#session.cursor;
    return { kind: 'passed' };
  }

  #applied(effect: Exclude<Effect, { kind: 'end' }>, reading: Reading): Told {
    switch (effect.kind) {
      case 'open':
        reading.heartbeatMs = effect.heartbeatMs;
        this.#reconnect.ready(performance.now());
        return effect;
      case 'reconnect':
        this.#reconnect.asked(effect.afterMs);
        return { kind: 'passed' };
      case 'unauthorized':
        throw new StreamEndError('unauthorized', unauthorized(effect.code), effect.code);
      default:
        return effect;
    }
  }

  #failed(failure: unknown): { error: RealtimeError; retry: Exclude<Verdict, 'end'> | undefined } {
    const isExpected = this.#reconnect.isAsked && failure instanceof StreamEndError && failure.reason === 'closed';
    const cause = isExpected ? new StreamEndError('reconnect', 'the server is about to close and asks to reconnect') : failure;
    const verdict = this.#reconnect.failed(cause, this.#opener.canAskKey, performance.now(), Math.random());
    const retry = verdict === 'end' ? undefined : verdict;
    return { error: RealtimeError.of(cause, this.#reconnect.attempt, retry?.again), retry };
  }
}

function unauthorized(code: string | undefined): string {
  switch (code) {
    case 'not_found':
      return 'the team was deleted';
    case 'key_revoked':
      return 'the key was revoked: another one is needed';
    case 'token_expired':
      return 'the key or token has expired: another one is needed';
    default:
      return 'the key is not taken any more: another one is needed';
  }
}
