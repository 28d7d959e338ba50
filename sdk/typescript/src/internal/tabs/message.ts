// What tabs say to one another.
import { position } from '../stream/position.js';
import type { Told } from '../stream/stream.js';
import type { Step } from './place.js';

/** A tab that comes asks how things stand; the one that reads tells what it is told. */
export type Message = { hello: true } | Tale;

/** What the tab that reads was told, how it stands, and how long its next word may take. */
export interface Tale extends Step {
  told: Told;
  connected: boolean;
  nextInMs: number;
}

/** An error leaves its fields behind where it is sent to another tab; a plain object does not. */
export function sendable(tale: Tale): unknown {
  const { told } = tale;
  if (told.kind !== 'disconnected') return tale;
  const { message, attempt, retryInMs, status, code } = told.error;
  return { ...tale, told: { kind: told.kind, error: { message, attempt, retryInMs, status, code } } };
}

/** The message that came, if it is one: every page of the origin may post to the channel. */
export function received(data: unknown): Message | undefined {
  if (!isObject(data)) return undefined;
  if (data['hello'] === true) return { hello: true };
  const { from, to, isGap, told, connected, nextInMs } = data;
  const isStep = isPlace(from) && isPlace(to) && typeof isGap === 'boolean';
  const isStanding = typeof connected === 'boolean' && typeof nextInMs === 'number' && nextInMs >= 0;
  return isStep && isStanding && isTold(told) ? (data as unknown as Tale) : undefined;
}

type Fields = Record<string, unknown>;

function isTold(told: unknown): boolean {
  if (!isObject(told)) return false;
  const { kind, event, gap, error } = told;
  switch (kind) {
    case 'event':
      return isObject(event) && typeof event['type'] === 'string' && isObject(event['data']);
    case 'gap':
      return isObject(gap) && position(gap['to']) !== undefined;
    case 'disconnected':
      return isObject(error) && typeof error['message'] === 'string' && typeof error['attempt'] === 'number';
    default:
      return typeof kind === 'string';
  }
}

/** None, a position, or what a reader was told to begin at. */
const isPlace = (place: unknown): boolean => place === undefined || typeof place === 'string';

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
