// Tabs of one page, and a server whose log grows.
import { vi } from 'vitest';

import { Realtime, type ApiKey } from '../../src/realtime.js';
import { acrossTabs } from '../../src/tabs.js';
import { block, event, ready } from './scenario.js';
import type { StreamConnection, StreamServer } from './stream-server.js';

const TEAM = '550e8400-e29b-41d4-a716-446655440000';
export const tabs: Tab[] = [];

export const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 20_000, interval: 2 });

/** A page that listens to everything. */
export class Tab {
  readonly realtime: Realtime;
  readonly seen: string[] = [];
  readonly changes: boolean[] = [];
  readonly errors: string[] = [];
  readonly gaps: unknown[] = [];

  constructor(server: StreamServer, more: { lastEventId?: string; types?: string[]; reader?: string; apiKey?: ApiKey; teamId?: string } = {}) {
    const { reader = 'ada', ...options } = more;
    this.realtime = new Realtime({ apiKey: 'cst_1', teamId: TEAM, baseUrl: server.url, share: acrossTabs({ reader }), ...options });
    this.realtime.onAny(() => this.seen.push(this.realtime.lastEventId!));
    this.realtime.onConnectionChange((connected) => this.changes.push(connected));
    this.realtime.onError(({ message }) => this.errors.push(message));
    this.realtime.onGap((gap) => this.gaps.push(gap));
    tabs.push(this);
  }

  async connected(): Promise<this> {
    await until(() => this.realtime.connected);
    return this;
  }
}

/** A log that grows, and is replayed and streamed as the server does. */
export class Log {
  head = 40;
  readonly live = new Set<StreamConnection>();
  readonly served = (connection: StreamConnection): void => {
    const asked = connection.headers['last-event-id'] as string | undefined;
    const after = asked === undefined ? this.head : Number(asked.split('.')[1] ?? 0);
    const replayed = Array.from({ length: this.head - after }, (_, index) => event(`1.${after + 1 + index}`));
    connection.write(ready(`1.${after}`, { resumed: asked !== undefined }) + replayed.join(''));
    if (connection.url.includes('until=head')) connection.write(block('cstar.end', `1.${this.head}`, {})).end();
    else this.live.add(connection);
  };

  publish(count = 1): void {
    for (let published = 0; published < count; published += 1) {
      this.head += 1;
      for (const connection of this.live) if (!connection.closed) connection.send(`1.${this.head}`);
    }
  }
}

/** The connections that stay; a tab without a place asks for the log's head on one of its own, which ends at once. */
export const streamsOf = (server: StreamServer) => server.connections.filter(({ url }) => !url.includes('until=head'));

export const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => `1.${first + index}`);
