// Functions that were registered, in their order.
import type { Off } from '../types/options.js';

interface Entry<Args extends unknown[]> {
  call: (...args: Args) => unknown;
  wants: ((...args: Args) => boolean) | undefined;
  on: boolean;
}

/**
 * What throws, or rejects, goes to `thrown` and harms no other (T13). Each registration stands for itself: of the same function
 * given twice, each is called and torn down by itself (R14, T15).
 */
export class Callbacks<Args extends unknown[]> {
  #entries: Array<Entry<Args>> = [];
  readonly #thrown: (error: unknown) => void;

  constructor(thrown: (error: unknown) => void) {
    this.#thrown = thrown;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  add(call: (...args: Args) => unknown, wants?: (...args: Args) => boolean): Off {
    if (typeof call !== 'function') throw new TypeError('what is registered is no function');
    const entry = { call, wants, on: true };
    this.#entries = [...this.#entries, entry];
    return () => {
      entry.on = false;
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /** Calls each, in the order of registration. One that is torn down meanwhile is not called, one that comes to it is not yet. */
  call(...args: Args): void {
    for (const entry of this.#entries) {
      if (entry.on && (entry.wants?.(...args) ?? true)) this.callOne(entry.call, ...args);
    }
  }

  /** Calls this one alone. */
  callOne(call: (...args: Args) => unknown, ...args: Args): void {
    try {
      const result = call(...args) as PromiseLike<unknown> | undefined;
      if (typeof result?.then === 'function') result.then(undefined, this.#thrown);
    } catch (error) {
      this.#thrown(error);
    }
  }

  clear(): void {
    for (const entry of this.#entries) entry.on = false;
    this.#entries = [];
  }
}
