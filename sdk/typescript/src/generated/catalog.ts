// The data of the fourteen event types, from the catalog. Made by `npm run generate`; not to be changed by hand.

/**
 * What each type of event carries. What the schema of a type does not speak of, and its example has, may be there: it is
 * `unknown`. Give a map of your own for types that you have added, or to say more of these.
 */
export interface CatalogEvents {
  /** Fired when a player unlocks an achievement. */
  'achievement.unlocked': {
    /** The achievement's id in the application. */
    id: string;
    name?: unknown;
    player_id?: unknown;
  };
  /** Fired when a new Library article is created. */
  'article.created': {
    /** The article's id in the application. */
    id: string;
    title?: unknown;
    slug?: unknown;
    status?: unknown;
  };
  /** Fired when an article is published to the Public Library. */
  'article.published': {
    /** The article's id in the application. */
    id: string;
    title?: unknown;
    slug?: unknown;
    status?: unknown;
    published_at?: unknown;
  };
  /** Fired when an article content or metadata is modified. */
  'article.updated': {
    /** The article's id in the application. */
    id: string;
    title?: unknown;
    slug?: unknown;
    status?: unknown;
    changes?: unknown;
  };
  /** Fired when a boss is defeated by the team. */
  'boss.defeated': {
    /** The boss's id in the application. */
    id: string;
    name?: unknown;
    level?: unknown;
    defeated_at?: unknown;
    reward_xp?: unknown;
  };
  /** Fired when a boss appears for the team. */
  'boss.spawned': {
    /** The boss's id in the application. */
    id: string;
    name?: unknown;
    level?: unknown;
    health?: unknown;
  };
  /** Fired when a new customer is created. */
  'customer.created': {
    /** The customer's id in the application. */
    id: string;
    email?: unknown;
    company?: unknown;
    locale?: unknown;
  };
  /** Fired when customer details are modified. */
  'customer.updated': {
    /** The customer's id in the application. */
    id: string;
    email?: unknown;
    company?: unknown;
    locale?: unknown;
    changes?: unknown;
  };
  /** Fired when a player reaches a new level. */
  'player.level_up': {
    /** The player's id in the application. */
    id: string;
    level?: unknown;
    previous_level?: unknown;
    xp?: unknown;
  };
  /** Fired when a customer submits a CSAT survey response. */
  'survey.submitted': {
    /** The survey response's id in the application. */
    id: string;
    ticket_id?: unknown;
    customer_id?: unknown;
    score?: unknown;
    comment?: unknown;
  };
  /** Fired when a ticket is resolved or closed. */
  'ticket.closed': {
    /** The ticket's id in the application. */
    id: string;
    title?: unknown;
    status?: unknown;
    priority?: unknown;
    closed_at?: unknown;
  };
  /** Fired when a new ticket is created via app, widget, API, or email. */
  'ticket.created': {
    /** The ticket's id, a UUID. */
    id: string;
    /** What the ticket is about. */
    title: string;
    /** Where the ticket stands, such as `new`. */
    status: string;
    /** How urgent the ticket is, such as `high`. */
    priority: string;
  };
  /** Fired when a new message is added to a ticket. */
  'ticket.message_added': {
    /** The ticket, as in `ticket.created`. */
    ticket: Record<string, unknown>;
    /** The message that was added. */
    message: Record<string, unknown>;
  };
  /** Fired when a ticket status, priority, or assignment changes. */
  'ticket.updated': {
    /** The ticket's id in the application. */
    id: string;
    title?: unknown;
    status?: unknown;
    priority?: unknown;
    assigned_to?: unknown;
    changes?: unknown;
  };
}
