// Web Locks, as far as the client goes: a queue for each name, abortable waiting, and stealing.

interface Holder {
  lose: (reason: Error) => void;
}

interface Waiting {
  grant: () => void;
}

export class Locks {
  readonly #held = new Map<string, Holder>();
  readonly #waiting = new Map<string, Waiting[]>();

  request(name: string, options: { steal?: boolean; signal?: AbortSignal }, hold: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, queue);
      const grant = (): void => {
        const holder: Holder = { lose: reject };
        this.#held.set(name, holder);
        void hold().then(resolve, reject).finally(() => {
          if (this.#held.get(name) !== holder) return;
          this.#held.delete(name);
          queue.shift()?.grant();
        });
      };
      if (options.steal) {
        this.#held.get(name)?.lose(new DOMException('The lock was stolen.', 'AbortError'));
        queueMicrotask(grant);
      } else if (this.#held.has(name)) {
        const waiting = { grant };
        queue.push(waiting);
        options.signal?.addEventListener('abort', () => {
          if (queue.includes(waiting)) queue.splice(queue.indexOf(waiting), 1);
          reject(options.signal!.reason as Error);
        });
      } else {
        // As in a browser, a lock that is free is granted in a later task.
        this.#held.set(name, { lose: reject });
        setTimeout(grant, 0);
      }
    });
  }
}
