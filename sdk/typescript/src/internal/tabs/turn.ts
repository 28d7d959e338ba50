// Who reads: the one tab that holds the lock.
import { sleep } from '../abort.js';

/** How the turn is asked for: by taking it away from who has it, or only after a time. */
export interface Asked {
  takeAway?: boolean;
  afterMs?: number;
}

/** A tab's turn to read, from asking for it until it is over. */
export class Turn {
  isGranted = false;
  /** Whether the browser gives no turn to this page at all. */
  isDenied = false;
  readonly #settled = new AbortController();
  readonly #over = new AbortController();
  readonly #givenUp = new AbortController();
  #end = (): void => {};

  constructor(locks: LockManager, name: string, { takeAway = false, afterMs }: Asked) {
    if (afterMs === undefined) void this.#ask(locks, name, takeAway);
    else void sleep(afterMs, this.#givenUp.signal).then(() => this.#ask(locks, name, takeAway));
  }

  /** Aborted once the turn has come, or is denied. */
  get settled(): AbortSignal {
    return this.#settled.signal;
  }

  /** Aborted when another tab has taken the turn away. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Gives it up, whether it has come or not. */
  end(): void {
    this.#givenUp.abort();
    this.#end();
  }

  async #ask(locks: LockManager, name: string, takeAway: boolean): Promise<void> {
    const { signal } = this.#givenUp;
    if (signal.aborted) return;
    try {
      await locks.request(name, takeAway ? { steal: true } : { signal }, () => this.#hold());
    } catch {
      if (signal.aborted) return;
      if (this.isGranted) return this.#over.abort(); // It was taken away.
      this.isDenied = true;
      this.#settled.abort();
    }
  }

  #hold(): Promise<void> {
    if (this.#givenUp.signal.aborted) return Promise.resolve(); // A lock that is taken away cannot be given up before it has come.
    this.isGranted = true;
    this.#settled.abort();
    return new Promise((resolve) => (this.#end = resolve));
  }
}
