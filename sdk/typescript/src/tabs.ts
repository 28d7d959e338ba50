// One stream for all tabs of a page: `import { acrossTabs } from '@cstar/client/tabs'`.
import { SharedStream } from './internal/tabs/shared-stream.js';
import { VERSION } from './internal/version.js';
import type { Share } from './internal/stream/stream.js';

export interface TabsOptions {
  /** Who is reading, where tabs of one page may be signed in as several: tabs share with those of the same name alone. */
  reader?: string | undefined;
}

/**
 * Lets the tabs of a page share one stream, for each server, team and set of `types`: one tab reads, and tells the others. Another
 * one goes on where that tab closes, without repeat and without hole. Where a browser lacks Web Locks or BroadcastChannel, each tab
 * has a stream of its own.
 *
 * ```ts
 * const realtime = new Realtime({ apiKey: fetchToken, teamId, share: acrossTabs() });
 * ```
 */
export function acrossTabs({ reader = '' }: TabsOptions = {}): Share {
  return (name, start, open) => {
    const locks = globalThis.navigator?.locks;
    if (!locks || typeof BroadcastChannel === 'undefined') return open(start);
    return new SharedStream(`cstar ${VERSION} ${name} ${reader}`, locks, start, open);
  };
}
