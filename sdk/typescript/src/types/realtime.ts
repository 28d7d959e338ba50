// What a stream tells beside events.

/**
 * A part of the log that was missed for good: told, never skipped in silence. The key's patterns decide whether anything was in
 * it for this reader.
 */
export interface Gap {
  /** The last position before it; `null` where the reader's place could not be read. */
  from: string | null;
  /** The last position within it: the stream goes on behind this one. */
  to: string;
  /**
   * `expired`: it is no longer kept. `restored`: the server was restored from a backup. `unknown`: the reader's place is not of
   * this log, or for another reason.
   */
  reason: 'expired' | 'restored' | 'unknown';
}

export interface EventsOptions<Pattern extends string = string> {
  /** Only of these patterns; the client's `types` unless given. */
  types?: readonly Pattern[] | undefined;
  /** Where to begin, as in the client's options. */
  lastEventId?: string | undefined;
  /** Whether to end at what is the log's head when the stream is opened. */
  untilHead?: boolean | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
}
