// A server without a network: a `fetch` that plays connections one after the other, in time that is faked.
import { headersOf, piecesOf, type Answer } from './scenario.js';

export interface Asked {
  url: URL;
  headers: Record<string, string>;
}

export class MemoryServer {
  readonly asked: Asked[] = [];
  readonly #answers: readonly Answer[];
  readonly #chunkBytes: number;

  constructor(answers: readonly Answer[], chunkBytes = Infinity) {
    this.#answers = answers;
    this.#chunkBytes = chunkBytes;
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const headers = init?.headers as Record<string, string>;
    const answer = this.#answers[this.asked.length];
    this.asked.push({ url: new URL(String(input)), headers });
    if (answer === undefined) throw new Error('nobody is there any more');
    if (answer.head === 'none' || answer.head === 'half') throw new TypeError('fetch failed');
    const { status = 200 } = answer;
    const body = status === 204 || status === 301 ? null : this.#body(answer, 'last-event-id' in headers, init!.signal!);
    return new Response(body, { status, headers: headersOf(answer) });
  };

  #body(answer: Answer, resumed: boolean, signal: AbortSignal): ReadableStream<Uint8Array> {
    const pieces = piecesOf(answer, resumed, this.#chunkBytes);
    return new ReadableStream({
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
      async pull(controller) {
        for (;;) {
          const { done, value: piece } = pieces.next();
          if (done) break;
          if (piece instanceof Uint8Array) return controller.enqueue(piece);
          await new Promise((resolve) => setTimeout(resolve, piece.pauseMs));
          if (signal.aborted) return;
        }
        if (answer.then === 'stay') return new Promise(() => {});
        if (answer.then === 'break') controller.error(new TypeError('terminated'));
        else controller.close();
      },
    });
  }
}
