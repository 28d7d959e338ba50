// What becomes of each block of a stream. Pure.
import { ProtocolError } from '../../errors.js';
import type { Envelope } from '../../types/event.js';
import type { Gap } from '../../types/realtime.js';
import { isEventType } from '../pattern.js';
import { before, isBehind, position, type Position } from './position.js';

/** How often a server says that it lives, until it has said how often. */
export const HEARTBEAT_UNLESS_SAID_MS = 15_000;

/** The rarest heartbeat that is believed: with a rarer one, a dead connection would hardly ever be noticed. */
const HEARTBEAT_MAX_MS = 600_000;

/** The cursor in front of the oldest event that is kept. */
const OLDEST = '0';

/** A block of the stream: the name of what it says, its id, its data. */
export interface Block {
  event?: string | undefined;
  id?: string | undefined;
  data: string;
}

/** What a block leads to. */
export type Effect =
  | { kind: 'open'; resumed: boolean; heartbeatMs: number }
  | { kind: 'event'; position: string; event: Envelope }
  | { kind: 'gap'; gap: Gap }
  | { kind: 'reconnect'; afterMs: number }
  | { kind: 'unauthorized'; code: string | undefined }
  | { kind: 'end' };

/**
 * A reader's place in the log, over all connections of its stream.
 *
 * RT-1, RT-2, T16: what it lets through rises, has no repeat, and no hole that was not told. Each id moves the place on, that of
 * a heartbeat too; only a gap that is told may move it back.
 */
export class Session {
  #cursor: string | undefined;
  /** The cursor, where it is a place in the log. */
  #seen: Position | undefined;
  #ready = false;
  readonly #untilHead: boolean;

  constructor(cursor: string | undefined, untilHead: boolean) {
    this.#cursor = cursor;
    this.#seen = cursor === OLDEST ? undefined : position(cursor);
    this.#untilHead = untilHead;
  }

  /** Where the next connection goes on. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** A new connection begins. */
  begin(): void {
    this.#ready = false;
  }

  /**
   * Takes a block in, and says what it leads to, in order.
   *
   * @throws ProtocolError when it is none of cStar's.
   */
  take({ event, id, data }: Block): Effect[] {
    const at = position(id);
    switch (event) {
      case undefined:
      case 'message':
        return this.#event(at, data);
      case 'cstar.ready':
        return this.#open(at, read(event, data));
      case 'cstar.gap':
        return this.#gap(at, read(event, data));
      case 'cstar.reconnect':
        return this.#moved(at, { kind: 'reconnect', afterMs: milliseconds(event, read(event, data)['after_ms']) });
      case 'cstar.unauthorized':
        return this.#moved(at, { kind: 'unauthorized', code: optionalText(event, read(event, data)['code']) });
      case 'cstar.end':
        return this.#untilHead ? this.#moved(at, { kind: 'end' }) : this.#moved(at);
      default: // A heartbeat, and what a newer server says more than this client knows.
        return this.#moved(at);
    }
  }

  #event(at: Position | undefined, data: string): Effect[] {
    if (at === undefined) throw wrong('an event of the stream has no position');
    if (!this.#ready) throw wrong('an event came before `cstar.ready`');
    if (this.#hasPassed(at)) return [];
    const event = envelope(at, data);
    const gap = this.#pass(at, before(at));
    return [...gap, { kind: 'event', position: at.text, event }];
  }

  #open(at: Position | undefined, said: Said): Effect[] {
    const { resumed, heartbeat_ms: heartbeat } = said;
    if (typeof resumed !== 'boolean') throw unreadable('cstar.ready');
    const heartbeatMs = Math.min(milliseconds('cstar.ready', heartbeat) || HEARTBEAT_UNLESS_SAID_MS, HEARTBEAT_MAX_MS);
    this.#ready = true;
    return [{ kind: 'open', resumed, heartbeatMs }, ...(at === undefined ? [] : this.#goOnAt(at))];
  }

  #gap(at: Position | undefined, { from, to, reason }: Said): Effect[] {
    const end = position(to);
    if (end === undefined || (from !== null && !position(from))) throw unreadable('cstar.gap');
    this.#move(at ?? end);
    const known = reason === 'expired' || reason === 'restored' ? reason : 'unknown';
    return [{ kind: 'gap', gap: { from: from as string | null, to: end.text, reason: known } }];
  }

  /** A stream that goes on further than the reader has come leaves something out, whether it says so or not. */
  #goOnAt(at: Position): Effect[] {
    const seen = this.#seen;
    const gap = this.#pass(at, at.text);
    if (gap.length > 0 || seen === undefined || !isBehind(at, seen)) return gap;
    return [{ kind: 'gap', gap: { from: seen.text, to: at.text, reason: 'unknown' } }];
  }

  #moved(at: Position | undefined, ...effects: Effect[]): Effect[] {
    return [...(at === undefined ? [] : this.#pass(at, at.text)), ...effects];
  }

  /** Moves on to the position. Into a new life of the store leads only a gap, which ends at `gapTo`. */
  #pass(at: Position, gapTo: string): Effect[] {
    if (this.#hasPassed(at)) return [];
    const left = this.#seen;
    this.#move(at);
    if (left === undefined || left.epoch === at.epoch) return [];
    return [{ kind: 'gap', gap: { from: left.text, to: gapTo, reason: 'restored' } }];
  }

  #hasPassed(at: Position): boolean {
    return this.#seen !== undefined && !isBehind(at, this.#seen);
  }

  #move(at: Position): void {
    this.#seen = at;
    this.#cursor = at.text;
  }
}

type Said = Record<string, unknown>;

function envelope(at: Position, data: string): Envelope {
  const { id, type, team_id: team, created_at: created, data: fields } = read(`the event at ${at.text}`, data);
  const texts = [id, team, created].every((text) => typeof text === 'string');
  if (!texts || !isEventType(type) || !isObject(fields)) throw wrong(`the event at ${at.text} is no envelope`);
  return { id, type, team_id: team, created_at: created, data: fields } as Envelope;
}

function read(what: string, data: string): Said {
  let said: unknown;
  try {
    said = JSON.parse(data);
  } catch {
    throw unreadable(what);
  }
  if (!isObject(said)) throw unreadable(what);
  return said;
}

const isObject = (value: unknown): value is Said => typeof value === 'object' && value !== null && !Array.isArray(value);

function milliseconds(what: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw unreadable(what);
  return value;
}

function optionalText(what: string, value: unknown): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw unreadable(what);
  return value || undefined;
}

const unreadable = (what: string): ProtocolError => wrong(`${what} cannot be read`);

const wrong = (what: string): ProtocolError => new ProtocolError(`${what}: check the address, and the proxy before it`);
