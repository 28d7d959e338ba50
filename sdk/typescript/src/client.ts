// The client: everything that the API offers to a team.
import { CStarError } from './errors.js';
import type { CatalogEvents } from './generated/catalog.js';
import { Connection } from './internal/connection.js';
import { Transport } from './internal/transport.js';
import { Deliveries } from './resources/deliveries.js';
import { EventTypes } from './resources/event-types.js';
import { Events } from './resources/events.js';
import { Keys } from './resources/keys.js';
import { Operations } from './resources/operations.js';
import { TeamRealtime } from './resources/realtime.js';
import { Sessions } from './resources/sessions.js';
import { OwnTeam } from './resources/team.js';
import { Webhooks } from './resources/webhooks.js';
import type { ClientOptions } from './types/options.js';

/**
 * A team's client.
 *
 * ```ts
 * const cstar = new CStarClient({ apiKey: process.env.CSTAR_KEY, teamId: process.env.CSTAR_TEAM_ID });
 * cstar.realtime.on('ticket.created', (event) => console.log(event.data.ticket.id));
 * await cstar.events.publish({ type: 'boss.spawned', data: { id: '1b4e28ba' } });
 * ```
 *
 * To make one does nothing over the network. `Map` says which data each event type carries: the fourteen of the catalog unless
 * given.
 */
export class CStarClient<Map = CatalogEvents> {
  readonly realtime: TeamRealtime<Map>;
  readonly webhooks: Webhooks;
  readonly events: Events<Map>;
  readonly deliveries: Deliveries;
  readonly keys: Keys;
  readonly eventTypes: EventTypes;
  readonly operations: Operations;
  readonly session: Sessions;
  readonly team: OwnTeam;
  readonly #destroyed = new AbortController();

  constructor(options: ClientOptions) {
    const transport = new Transport(new Connection(options), options.timeoutMs, this.#destroyed.signal);
    this.realtime = new TeamRealtime(options, transport);
    this.webhooks = new Webhooks(transport);
    this.events = new Events(transport);
    this.deliveries = new Deliveries(transport);
    this.keys = new Keys(transport);
    this.eventTypes = new EventTypes(transport);
    this.operations = new Operations(transport);
    this.session = new Sessions(transport);
    this.team = new OwnTeam(transport);
  }

  /** Ends what is under way: streams, and calls, which fail. It is for good. */
  destroy(): void {
    this.realtime.destroy();
    this.#destroyed.abort(new CStarError('the client was destroyed'));
  }
}
