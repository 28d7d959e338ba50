// A server on loopback whose streams a test writes block by block, and cuts where it likes.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { vi } from 'vitest';

import { event, ready } from './scenario.js';

/** One connection of a client. */
export class StreamConnection {
  closed = false;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly #response: ServerResponse;

  constructor(url: string, headers: IncomingHttpHeaders, response: ServerResponse) {
    this.url = url;
    this.headers = headers;
    this.#response = response;
    response.on('close', () => (this.closed = true));
  }

  /** The head of a stream, `cstar.ready` and these events. */
  stand(at: string, ...events: string[]): this {
    const resumed = this.headers['last-event-id'] !== undefined;
    return this.write(ready(at, { resumed }) + events.map(event).join(''));
  }

  send(...events: string[]): this {
    return this.write(events.map(event).join(''));
  }

  write(text: string | Uint8Array): this {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.#response.write(text);
    return this;
  }

  /** Whether the client takes what is written. */
  get isHeldBack(): boolean {
    return this.#response.writableNeedDrain;
  }

  refuse(status: number, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, headers).end();
  }

  end(): void {
    this.#response.end();
  }

  reset(): void {
    this.#response.socket?.resetAndDestroy();
  }
}

export class StreamServer implements AsyncDisposable {
  url = '';
  readonly connections: StreamConnection[] = [];
  readonly #server = createServer((request, response) => {
    const connection = new StreamConnection(request.url ?? '', request.headers, response);
    this.connections.push(connection);
    this.#onConnection(connection, this.connections.length - 1);
  });
  readonly #onConnection: (connection: StreamConnection, index: number) => void;

  private constructor(onConnection: (connection: StreamConnection, index: number) => void) {
    this.#onConnection = onConnection;
  }

  /** Calls for each connection, if told what to do with it. */
  static async start(onConnection: (connection: StreamConnection, index: number) => void = () => {}): Promise<StreamServer> {
    const server = new StreamServer(onConnection);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  /** The connection with this number, once it is there. */
  async connection(index: number): Promise<StreamConnection> {
    await vi.waitUntil(() => this.connections.length > index, { timeout: 20_000, interval: 2 });
    return this.connections[index]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
