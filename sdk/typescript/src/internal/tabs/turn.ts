// Who reads: the one tab that holds the lock.

/** A tab's turn to read, from asking for it until it is over. */
export class Turn {
  isGranted = false;
  readonly #over = new AbortController();
  readonly #waiting = new AbortController();
  #end = (): void => {};

  /** Asks for the turn, or takes it away from who has it; calls `granted` once it has come. */
  constructor(locks: LockManager, name: string, takeAway: boolean, granted: () => void) {
    const hold = (): Promise<void> => {
      this.isGranted = true;
      granted();
      return new Promise((resolve) => (this.#end = resolve));
    };
    const options = takeAway ? { steal: true } : { signal: this.#waiting.signal };
    locks.request(name, options, hold).catch(() => this.#over.abort()); // It was taken away, or given up.
  }

  /** Aborted when another tab has taken the turn away. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Gives it up, whether it has come or not. */
  end(): void {
    this.#waiting.abort();
    this.#end();
  }
}
