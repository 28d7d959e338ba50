import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { Reading } from '../../src/internal/stream/reading.js';
import type { Block } from '../../src/internal/stream/session.js';

interface Case {
  name: string;
  stream?: string;
  stream_hex?: string;
  parsed: Array<{ event: string | null; data: string; id: string } | { retry_ms: number }>;
}

const { streams } = JSON.parse(readFileSync(new URL('../../../../vectors/sse.json', import.meta.url), 'utf8')) as { streams: Case[] };

const bytesOf = ({ stream, stream_hex: hex }: Case): Uint8Array =>
  stream === undefined ? Uint8Array.from(Buffer.from(hex!, 'hex')) : new TextEncoder().encode(stream);

/** Every block of the stream, in pieces of so many bytes. */
async function blocks(bytes: Uint8Array, chunk: number): Promise<Block[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunk) controller.enqueue(bytes.slice(at, at + chunk));
      controller.close();
    },
  });
  const reading = new Reading('http://cstar', body);
  const read: Block[] = [];
  for (;;) {
    try {
      read.push(await reading.block());
    } catch (error) {
      expect(error).toMatchObject({ reason: 'closed' });
      return read;
    }
  }
}

describe('R2: streams are read as the standard has it', () => {
  test.each(streams.map((one) => ({ ...one, one })))('$name', async ({ one, parsed }) => {
    const bytes = bytesOf(one);
    const expected = parsed.flatMap((said) => ('data' in said ? [[said.event, said.data]] : []));
    for (const chunk of [1, 2, 3, 7, Infinity]) {
      const read = await blocks(bytes, Math.min(chunk, bytes.length || 1));
      expect(read.map(({ event, data }) => [event === 'message' ? null : (event ?? null), data])).toEqual(expected);
    }
  });
});
