// The key that requests carry, and where it comes from.
import { KeyError } from '../errors.js';
import type { ApiKey } from '../types/options.js';
import { orAborted } from './abort.js';
import { warnOfSecretKey } from './platform.js';

/** The value of `Authorization`, and which of the keys that the source gave it is. */
export interface Bearer {
  value: string;
  generation: number;
}

/** The source, and the key that it gave last. Requests that wait for a key wait for the same one. */
export class KeyRing {
  readonly #source: ApiKey;
  #held: Bearer | undefined;
  #asked: Promise<Bearer> | undefined;
  #given = 0;

  constructor(source: ApiKey) {
    this.#source = source;
    if (typeof source === 'string') this.#held = this.#take(source);
  }

  /** The key, where it is always the same one. */
  get fixed(): string | undefined {
    return typeof this.#source === 'string' ? this.#source : undefined;
  }

  /** Whether another key may be had where one is refused (T13). */
  get canAskAgain(): boolean {
    return typeof this.#source === 'function';
  }

  /**
   * The key to send. `refused` is the generation of one that the server did not take: it is given up, and requests that were
   * refused together ask for one new key together. A function that hangs is asked anew by the next request.
   */
  async bearer(signal: AbortSignal, refused?: number): Promise<Bearer> {
    if (this.canAskAgain && this.#held?.generation === refused) this.#held = undefined;
    if (this.#held !== undefined) return this.#held;
    const asked = (this.#asked ??= this.#ask());
    try {
      return await orAborted(asked, signal);
    } finally {
      if (this.#asked === asked) this.#asked = undefined;
    }
  }

  async #ask(): Promise<Bearer> {
    const source = this.#source;
    try {
      return (this.#held = this.#take(typeof source === 'function' ? await source() : source));
    } catch (cause) {
      if (cause instanceof KeyError) throw cause;
      throw new KeyError(`the key could not be had: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  #take(key: string): Bearer {
    if (typeof key !== 'string' || !/^[!-~]+$/.test(key)) {
      throw new KeyError('the key is empty or holds a character that no key has: check that it was copied whole');
    }
    warnOfSecretKey(key);
    return { value: `Bearer ${key}`, generation: ++this.#given };
  }
}
