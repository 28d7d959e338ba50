// A server on loopback that answers as a test says, request by request.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Answering = (response: ServerResponse, seen: Seen) => unknown;

/** Answers one request after the other, the last answer again and again; remembers what was asked. */
export class TestServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  url = '';
  readonly #server: Server;

  private constructor(answers: readonly Answering[]) {
    this.#server = createServer((request, response) => void this.#answer(request, response, answers));
  }

  static async start(...answers: Answering[]): Promise<TestServer> {
    const server = new TestServer(answers);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse, answers: readonly Answering[]): Promise<void> {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text));
    await once(request, 'end');
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    const answer = answers[Math.min(this.seen.length, answers.length - 1)];
    this.seen.push(seen);
    await answer?.(response, seen);
  }
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answering =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

export const problem = (status: number, code: string, headers: Record<string, string> = {}): Answering =>
  json(
    status,
    { type: `/errors/${code}`, title: 'A title', status, detail: 'what is wrong', code, request_id: 'r-1' },
    { 'content-type': 'application/problem+json', ...headers },
  );

/** Tears the connection. */
export const reset: Answering = (response) => response.socket?.resetAndDestroy();
