// What the package offers.
export { CStarClient } from './client.js';
export * from './errors.js';
export type * from './generated/api.js';
export type { CatalogEvents } from './generated/catalog.js';
export { List, type ListQuery, type Page } from './list.js';
export { Realtime } from './realtime/realtime.js';
export type { Deliveries, DeliveryQuery, ResendFilter } from './resources/deliveries.js';
export type { EventTypes } from './resources/event-types.js';
export type { BatchedEvent, BatchOptions, EventQuery, Events, PublishedBatch, PublishEvent, PublishOptions } from './resources/events.js';
export type { Keys } from './resources/keys.js';
export type { Operations } from './resources/operations.js';
export type { TeamRealtime } from './resources/realtime.js';
export type { Sessions, SignIn } from './resources/sessions.js';
export type { AuditQuery, OwnTeam } from './resources/team.js';
export type { Webhooks } from './resources/webhooks.js';
export {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InvalidError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ServerError,
  TooLargeError,
} from './status-errors.js';
export { acrossTabs, type TabsOptions } from './tabs.js';
export type { Envelope, FlatEvent, Matching, PatternOf, RealtimeEvent, TypeOf } from './types/event.js';
export type {
  ApiKey,
  CallOptions,
  ChangeOptions,
  ClientOptions,
  ConnectionOptions,
  Off,
  RealtimeOptions,
  StreamOptions,
  Tagged,
} from './types/options.js';
export type { EventsOptions, Gap } from './types/realtime.js';
export { WebhookVerificationError, type VerificationCode } from './webhooks/error.js';
export { isValidWebhook, verifyWebhook, type RawBody, type VerifyOptions, type WebhookHeaders } from './webhooks/verify.js';
