// Bytes to blocks, no faster than they are asked for.
import { createParser, type EventSourceParser } from 'eventsource-parser';

import { CStarError, ProtocolError, StreamEndError } from '../../errors.js';
import { broken } from '../connection.js';
import { HEARTBEAT_UNLESS_SAID_MS, type Block } from './session.js';
import { orSilent } from './silence.js';

/** Ten times the largest envelope that a server can be set to accept. */
const BLOCK_MAX_CHARACTERS = 1024 * 1024;

/** A connection that is being read. It holds one chunk and what the parser has begun: a reader that waits holds the server back. */
export class Reading {
  /** How often the server says that it lives. */
  heartbeatMs = HEARTBEAT_UNLESS_SAID_MS;
  readonly #url: string;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;
  #blocks: Block[] = [];
  #next = 0;
  #endsWithReturn = false;

  constructor(url: string, body: ReadableStream<Uint8Array>) {
    this.#url = url;
    this.#reader = body.getReader();
    this.#parser = createParser({
      // `retry:` is for clients that know nothing better; the wait after `cstar.reconnect` is in its data.
      onEvent: (block) => this.#blocks.push(block),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') throw new ProtocolError(`a block of more than ${BLOCK_MAX_CHARACTERS} characters`);
      },
      maxBufferSize: BLOCK_MAX_CHARACTERS,
    });
  }

  /**
   * The next block.
   *
   * @throws CStarError when the stream has ended, however.
   */
  async block(): Promise<Block> {
    while (this.#next === this.#blocks.length) await this.#read();
    return this.#blocks[this.#next++]!;
  }

  async #read(): Promise<void> {
    this.#blocks = [];
    this.#next = 0;
    let read: ReadableStreamReadResult<Uint8Array>;
    try {
      read = await orSilent(this.#reader.read(), this.heartbeatMs);
    } catch (error) {
      throw error instanceof CStarError ? error : broken(this.#url, error);
    }
    if (read.done) throw new StreamEndError('closed', 'the stream was closed');
    this.#parser.feed(this.#lines(this.#decoder.decode(read.value, { stream: true })));
  }

  /** With line feeds alone: the parser keeps a return back until it sees what follows, and at the end of a chunk that may be long. */
  #lines(text: string): string {
    if (text === '') return text;
    const rest = this.#endsWithReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#endsWithReturn = text.endsWith('\r');
    return rest.replace(/\r\n?/g, '\n');
  }
}
