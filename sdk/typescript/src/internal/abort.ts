// Giving up: signals that are linked, and waits that end early.
import { backoff } from './backoff.js';

/**
 * What is to be aborted with each signal, by one listener however many there are: Node warns of a leak where a signal has more
 * than ten, and so many calls are under way at once.
 */
const LISTENERS = new WeakMap<AbortSignal, Listener>();

class Listener {
  readonly #linked = new Set<Linked>();
  readonly #signal: AbortSignal;
  readonly #abort = (): void => {
    for (const { controller } of this.#linked) controller.abort(this.#signal.reason);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort);
  }

  static of(signal: AbortSignal): Listener {
    const listener = LISTENERS.get(signal) ?? new Listener(signal);
    LISTENERS.set(signal, listener);
    return listener;
  }

  add(linked: Linked): void {
    this.#linked.add(linked);
  }

  delete(linked: Linked): void {
    this.#linked.delete(linked);
    if (this.#linked.size > 0) return;
    this.#signal.removeEventListener('abort', this.#abort);
    LISTENERS.delete(this.#signal);
  }
}

/** A controller that is aborted with any of the signals, until it is released. */
export class Linked {
  readonly controller = new AbortController();
  readonly #signals: readonly AbortSignal[];

  constructor(...signals: Array<AbortSignal | undefined>) {
    this.#signals = signals.filter((signal) => signal !== undefined);
    for (const signal of this.#signals) {
      if (signal.aborted) this.controller.abort(signal.reason);
      else Listener.of(signal).add(this);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Leaves nothing behind on the signals. */
  release(): void {
    for (const signal of this.#signals) LISTENERS.get(signal)?.delete(this);
  }
}

/** Resolves after the time, or when the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** The same, or soon after the browser says that the network is back; not at once, for all that lost it hear that together. */
export async function sleepForNetwork(ms: number, signal: AbortSignal): Promise<void> {
  const waiting = new Linked(signal);
  const online = (): void => void sleep(backoff(0, Math.random()), waiting.signal).then(() => waiting.controller.abort());
  globalThis.addEventListener?.('online', online);
  try {
    await sleep(ms, waiting.signal);
  } finally {
    globalThis.removeEventListener?.('online', online);
    waiting.controller.abort();
    waiting.release();
  }
}

/** Resolves or rejects as the promise does, or rejects with the signal's reason. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
