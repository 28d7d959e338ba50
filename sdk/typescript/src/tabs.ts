// One stream for all tabs of a page: `import { acrossTabs } from '@cstar/client/tabs'`.
import { CStarError } from './errors.js';
import type { Named, Share } from './internal/stream/stream.js';
import { SharedStream } from './internal/tabs/shared-stream.js';
import { VERSION } from './internal/version.js';

export interface TabsOptions {
  /**
   * Who is reading, such as the id of who is signed in. A tab hears what the tab that reads may hear, so this must differ wherever
   * two tabs of one origin may not see the same events.
   */
  reader: string;
}

/**
 * Lets the tabs of a page share one stream, for each reader, server, team, set of `types` and key that is a text: one tab reads, and
 * tells the others. Another one goes on where that tab closes, without repeat and without hole. Where a browser lacks Web Locks or
 * BroadcastChannel, each tab has a stream of its own.
 *
 * ```ts
 * const realtime = new Realtime({ apiKey: fetchToken, teamId, share: acrossTabs({ reader: userId }) });
 * ```
 */
export function acrossTabs(options: TabsOptions): Share {
  const reader: unknown = options?.reader;
  if (typeof reader !== 'string' || reader === '') {
    throw new CStarError('no reader: give the id of who is signed in, so that tabs of somebody else do not share the stream');
  }
  return (named, start, open) => {
    const locks = globalThis.navigator?.locks;
    if (!locks || !globalThis.crypto?.subtle || typeof BroadcastChannel === 'undefined') return open(start);
    return new SharedStream(nameOf(reader, named), locks, start, open);
  };
}

/** Every page of the origin can see the name, so the key itself is not in it. */
async function nameOf(reader: string, { server, team, types, key }: Named): Promise<string> {
  return `cstar ${JSON.stringify([VERSION, reader, server, team, types, key === undefined ? null : await hashOf(key)])}`;
}

async function hashOf(key: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
