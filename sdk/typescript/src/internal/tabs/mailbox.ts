// What has come and was not taken yet.

/** As many messages wait at most. One that is dropped leaves a hole, which is noticed and filled. */
const WAITING_MAX = 1000;

export class Mailbox<Mail> {
  #waiting: Mail[] = [];
  #wake = (): void => {};

  put(mail: Mail): void {
    this.#waiting.push(mail);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.wake();
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#waiting = [];
  }

  /** The next message; `undefined` if there is none in time, or something else has come up. */
  async take(ms: number): Promise<Mail | undefined> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#waiting.shift();
  }

  /** Something else has come up. */
  wake(): void {
    this.#wake();
  }
}
