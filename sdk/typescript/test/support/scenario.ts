// The scenarios of `vectors/realtime`, as its README describes them.
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../../vectors/realtime/', import.meta.url);

export interface Scenario {
  name: string;
  promises: string[];
  client: { after?: string; types?: string; until_head?: boolean; keys?: string[] };
  connections: Array<Answer & { asks?: Asks }>;
  shows: Shown[];
}

export interface Asks {
  last_event_id?: string | null;
  query?: string;
  authorization?: string;
}

export interface Answer {
  head?: 'none' | 'half' | 'whole';
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  sends?: Sent[];
  then?: 'close' | 'break' | 'stay';
}

export type Sent =
  | { ready: string | null; heartbeat_ms?: number }
  | { event: string }
  | { control: string; id?: string; data: unknown }
  | { raw: string }
  | { fill: number }
  | { pause_ms: number };

/** What is sent: bytes, or time in which nothing is. */
export type Piece = Uint8Array | { pauseMs: number };

export interface ShownDisconnected {
  status?: number;
  code?: string;
  attempt: number;
  wait_ms: [number, number] | null;
}

export type Shown =
  | 'connecting'
  | 'ended'
  | { open: 'resumed' | 'anew' }
  | { event: string }
  | { gap: { from: string | null; to: string; reason: string } }
  | { disconnected: ShownDisconnected };

/** Every scenario that there is. */
export function scenarios(): Scenario[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  const read = (file: string) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { scenarios: Scenario[] };
  return files.sort().flatMap((file) => read(file).scenarios);
}

/** The answer's headers. */
export function headersOf({ status, headers }: Answer): Record<string, string> {
  return headers ?? (status === undefined ? { 'content-type': 'text/event-stream' } : {});
}

/** The answer's body, to a request that had a `Last-Event-ID` or not, each piece of at most so many bytes but for a `fill`. */
export function* piecesOf({ body, sends = [] }: Answer, resumed: boolean, chunkBytes: number): Generator<Piece> {
  if (body !== undefined) return yield* cut(typeof body === 'string' ? body : JSON.stringify(body), chunkBytes);
  let text = '';
  for (const sent of sends) {
    if (!('fill' in sent) && !('pause_ms' in sent)) {
      text += textOf(sent, resumed);
      continue;
    }
    yield* cut(text, chunkBytes);
    text = '';
    yield* 'fill' in sent ? cut('x'.repeat(sent.fill), 65_536) : [{ pauseMs: sent.pause_ms }];
  }
  yield* cut(text, chunkBytes);
}

function* cut(text: string, chunkBytes: number): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.slice(at, at + chunkBytes);
}

/** The block of `cstar.ready`. */
export function ready(id: string | null, { resumed = false, heartbeatMs = 15_000 } = {}): string {
  return block('cstar.ready', id ?? undefined, { resumed, head: '1.50', oldest: '1.1', heartbeat_ms: heartbeatMs });
}

/** An event's block. */
export const event = (position: string): string => `id: ${position}\ndata: ${envelope(position)}\n\n`;

/** The envelope that stands at the position. */
export function envelope(position: string): string {
  const seq = position.split('.')[1]!;
  return `{"id":"evt_${seq.padStart(26, '0')}","type":"ticket.created","team_id":"550e8400-e29b-41d4-a716-446655440000","created_at":"2025-12-10T14:30:00Z","data":{"id":"${seq}"}}`;
}

export function block(name: string, id: string | undefined, data: unknown): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

function textOf(sent: Exclude<Sent, { fill: number } | { pause_ms: number }>, resumed: boolean): string {
  if ('raw' in sent) return sent.raw;
  if ('event' in sent) return event(sent.event);
  if ('control' in sent) return block(sent.control, sent.id, sent.data);
  return ready(sent.ready, { resumed, ...(sent.heartbeat_ms === undefined ? {} : { heartbeatMs: sent.heartbeat_ms }) });
}
