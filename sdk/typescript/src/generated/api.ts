// The requests and answers of the API, from docs/openapi.json. Made by `npm run generate`; not to be changed by hand.
import type { Envelope } from '../types/event.js';

/** Whose key was used. */
export interface Actor {
  /** Which key; `null` for the platform key, of which there is one. */
  id?: string | null;
  /** Of what kind. */
  kind: ActorKind;
}

/** What kind of key was used. */
export type ActorKind = 'platform' | 'key';

/** One POST and what came of it. */
export interface Attempt {
  /** One sentence for people: "your endpoint answered 503". */
  detail: string;
  /** How long it took, in milliseconds. */
  duration_ms: number;
  /** From 1, going on over resends. */
  number: number;
  /** How it ended. */
  outcome: Outcome;
  /** What was asked of whom; the body was the event. `null` to a key that may not read the webhook. */
  request?: SentRequest | null;
  /** The beginning of the answer's body, as text. */
  response_body: string;
  /** The answer's headers in order, shortened to what is kept; a name can stand more than once. */
  response_headers: HeaderLine[];
  /** When it began. */
  started_at: string;
  /** The status of the answer, if there was one. */
  status_code?: number | null;
}

/** The last attempt, as lists show it. */
export interface AttemptSummary {
  /** One sentence for people: "your endpoint answered 503". */
  detail: string;
  /** How long it took, in milliseconds. */
  duration_ms: number;
  /** Its number. */
  number: number;
  /** How it ended. */
  outcome: Outcome;
  /** When it began. */
  started_at: string;
  /** The status of the answer, if there was one. */
  status_code?: number | null;
}

/** What was changed, and how. */
export type AuditAction =
  | 'team.created'
  | 'team.updated'
  | 'team.deleted'
  | 'key.created'
  | 'key.revoked'
  | 'webhook.created'
  | 'webhook.updated'
  | 'webhook.deleted'
  | 'webhook.secret_rotated'
  | 'webhook.overlap_ended'
  | 'event.resent'
  | 'delivery.resent'
  | 'operation.begun'
  | 'operation.cancelled'
  | 'portal_link.created'
  | 'backup.made'
  | 'event.erased'
  | 'stream.ended'
  | 'notice.created'
  | 'notice.deleted'
  | 'event_type.put'
  | 'event_type.deleted';

/** One change, and who made it: a row of `GET …/audit`. */
export interface AuditEntry {
  /** What was done. */
  action: AuditAction;
  /** By whom. */
  actor: Actor;
  /** From where: the address that the request came from. */
  address?: string | null;
  /** When. */
  at: string;
  /** Which entry. Ids rise in the order of the changes. */
  id: string;
  /** The `x-request-id` of the request; `null` if the server itself did it at its first start. */
  request_id?: string | null;
  /** What was changed: its id, or the name of an event type. */
  resource: string;
  /** Whose it is; `null` for what all teams share. */
  team_id?: string | null;
}

/** One event of a `PublishBatch`. */
export interface BatchEvent {
  /** What there is to say about it: a JSON object. */
  data: Record<string, unknown>;
  /** A repeat with the same key, type and data finds the first event. */
  idempotency_key?: string;
  /** What happened. */
  type: string;
}

/** Why a delivery was cancelled: what became of its webhook, or of its event. */
export type CancelReason =
  | 'webhook_disabled'
  | 'endpoint_gone'
  | 'webhook_deleted'
  | 'endpoint_failing'
  | 'event_erased';

/** `POST …/keys` */
export interface CreateKey {
  /** From when on it opens nothing; never unless said. */
  expires_at?: string | null;
  /** For people. */
  name: string;
  /** What it may do; not more than its maker. */
  scopes: Scope[];
  /** Which types it sees; not more than its maker, and what that one sees unless said. */
  types?: string[] | null;
}

/** `POST /v1/notices`. */
export interface CreateNoticeWebhook {
  /** For people. */
  description?: string | null;
  /** Which notices it gets; all unless given. */
  types?: string[] | null;
  /** Where notices go. */
  url: string;
}

/** `POST …/portal-links` */
export interface CreatePortalLink {
  /** What its session may do; unless said, all that the page shows but making keys. */
  scopes?: Scope[] | null;
  /** For how long a session can begin with it, in seconds: 1 to 86,400, and 600 unless said. */
  ttl_seconds?: number | null;
}

/** `POST /v1/session`: one of the two. */
export interface CreateSession {
  /** A team key. */
  key?: string | null;
  /** What stands behind the `#` of a portal link: `csl_…`. */
  link?: string | null;
}

/** `POST /v1/teams` */
export interface CreateTeam {
  /** The application's own UUID for it, or `null` to have one made. */
  id?: string | null;
  /** For people. */
  name: string;
}

/** `POST …/realtime/tokens` */
export interface CreateToken {
  /** How long it opens the stream, in seconds: 1 to 3,600, and 600 unless said. */
  ttl_seconds?: number | null;
  /** Which types it sees; not more than its maker, and what that one sees unless said. */
  types?: string[] | null;
}

/** `POST …/webhooks`. */
export interface CreateWebhook {
  /** For people. */
  description?: string | null;
  /** Whether an answer of 410 disables it. */
  disable_on_gone?: boolean | null;
  /** Whether it begins enabled, as it does unless said. */
  enabled?: boolean | null;
  /** Which events it gets. */
  events: string[];
  /** Which of those, by their data; all unless given. */
  filter?: Filter | null;
  /** Headers that every request carries, value by name. */
  headers?: Record<string, string> | null;
  /** Whether its deliveries go one at a time, in the log's order, one that is retried before those behind it; they do not unless said. */
  ordered?: boolean | null;
  /** At most so many attempts a second, retries among them; no limit unless given. */
  rate_limit?: number | null;
  /** Its own waits between attempts; the server's unless given. */
  retry_schedule?: string | null;
  /** A secret from elsewhere, `whsec_…`; one is made unless given. */
  secret?: string | null;
  /** Where requests go. */
  url: string;
}

/** The 201 of `POST …/keys`, the one answer that shows the key. */
export interface CreatedKey {
  /** When it was made. */
  created_at: string;
  /** From when on it opens nothing. */
  expires_at?: string | null;
  /** Which key; also its public part. */
  id: string;
  /** The key itself: `csk_…`. */
  key: string;
  /** The last use, to the minute. */
  last_used_at?: string | null;
  /** For people. */
  name: string;
  /** When it was revoked. */
  revoked_at?: string | null;
  /** What it may do. */
  scopes: Scope[];
  /** Which types it sees. */
  types: string[];
}

/** The 201 of `POST /v1/notices`, the one answer that shows the secret. */
export interface CreatedNoticeWebhook {
  /** When it was made. */
  created_at: string;
  /** For people. */
  description: string;
  /** Set exactly while it is disabled: then delete it, and register it again. */
  disabled_reason?: DisabledReason | null;
  /** When its first attempt failed of those since its last success; `null` while all is well. */
  failing_since?: string | null;
  /** Which one. */
  id: string;
  /** What its requests are signed with. */
  secret: string;
  /** Whether notices are sent there. */
  status: WebhookStatus;
  /** Which notices it gets. */
  types: string[];
  /** Where notices go, as a WHATWG parser writes it. */
  url: string;
}

/** Its 201, the one answer that shows the link. */
export interface CreatedPortalLink {
  /** From when on no session begins with it. */
  expires_at: string;
  /** Leads to the page. What opens it stands behind the `#`, which browsers send to nobody. */
  url: string;
}

/** Its 201. */
export interface CreatedToken {
  /** From when on it opens nothing; a stream that it opened ends then. */
  expires_at: string;
  /** The token itself: `cst_…`, for a browser. */
  token: string;
}

/** The 201 of `POST …/webhooks`, the one answer that shows the secret. */
export interface CreatedWebhook {
  /** When it was made. */
  created_at: string;
  /** For people. */
  description: string;
  /** Whether an answer of 410 disables it. */
  disable_on_gone: boolean;
  /** Set exactly while it is disabled. */
  disabled_reason?: DisabledReason | null;
  /** Which events it gets. */
  events: string[];
  /** When its first attempt failed of those since its last success; `null` while all is well, and once it is enabled again. To recover what it missed, begin earlier: an event is older than its first attempt. */
  failing_since?: string | null;
  /** Which of those, by their data; `null` is all. */
  filter?: Filter | null;
  /** The names of the headers that every request carries. Their values may be credentials: they are written and never read back. */
  header_names: string[];
  /** Which webhook. */
  id: string;
  /** Whether its deliveries go one at a time, in the log's order. */
  ordered: boolean;
  /** At most so many attempts a second, retries among them; `null` is as many as it answers well. */
  rate_limit?: number | null;
  /** Its own waits between attempts, such as `1m,5m,30m`; `null` is the server's. */
  retry_schedule?: string | null;
  /** What its requests are signed with. */
  secret: string;
  /** Until when the secret before the last rotation signs too; `null` once that is over. */
  secret_overlap_until?: string | null;
  /** Whether deliveries are made. */
  status: WebhookStatus;
  /** When it last changed. */
  updated_at: string;
  /** Where requests go, as a WHATWG parser writes it. */
  url: string;
}

/** How many deliveries stand where, and how long their endpoint took. */
export interface DeliveryCounts {
  /** Cancelled before they ended otherwise. */
  cancelled: number;
  /** Answered 2xx. */
  delivered: number;
  /** The last retry failed. */
  failed: number;
  /** Half of their last attempts took at most so long, in milliseconds; `null` if there was none. */
  p50_ms?: number | null;
  /** 95 of 100 of their last attempts took at most so long, in milliseconds; `null` if there was none. */
  p95_ms?: number | null;
  /** The first attempt is still to come. */
  pending: number;
  /** An attempt failed; another is due. */
  retrying: number;
}

/** The `data` of `delivery.failed`. */
export interface DeliveryFailed {
  /** How many attempts were made. */
  attempts: number;
  /** How many deliveries to this webhook failed since the last such notice of it, this one included. */
  deliveries_failed: number;
  /** Which delivery. */
  delivery_id: string;
  /** Of which event. */
  event_id: string;
  /** The event's type. */
  event_type: string;
  /** What came of the last one. */
  outcome: Outcome;
  /** What it was answered with; `null` if with nothing. */
  status_code?: number | null;
  /** Whose delivery. */
  team_id: string;
  /** To where. */
  webhook_id: string;
}

/** An event on its way to one webhook; `A` is what is told of its attempts. */
export interface DeliveryDetail {
  /** The attempts on record: how many in a list, each of them in the answer for one delivery. */
  attempts: Attempt[];
  /** Why it was cancelled; set exactly when it was. */
  cancel_reason?: CancelReason | null;
  /** When the delivery was made. */
  created_at: string;
  /** What. */
  event_id: string;
  /** The event's type. */
  event_type: string;
  /** Which delivery; `x-cstar-delivery` on every attempt. */
  id: string;
  /** The last attempt in short. */
  last_attempt?: AttemptSummary | null;
  /** When the next attempt is due; set exactly while the delivery has not ended. */
  next_attempt_at?: string | null;
  /** Where it stands. */
  status: DeliveryStatus;
  /** To where. */
  webhook_id: string;
}

/** An event on its way to one webhook; `A` is what is told of its attempts. */
export interface DeliveryRow {
  /** The attempts on record: how many in a list, each of them in the answer for one delivery. */
  attempts: number;
  /** Why it was cancelled; set exactly when it was. */
  cancel_reason?: CancelReason | null;
  /** When the delivery was made. */
  created_at: string;
  /** What. */
  event_id: string;
  /** The event's type. */
  event_type: string;
  /** Which delivery; `x-cstar-delivery` on every attempt. */
  id: string;
  /** The last attempt in short. */
  last_attempt?: AttemptSummary | null;
  /** When the next attempt is due; set exactly while the delivery has not ended. */
  next_attempt_at?: string | null;
  /** Where it stands. */
  status: DeliveryStatus;
  /** To where. */
  webhook_id: string;
}

/** Where a delivery stands. The last three are ends, each with a recorded cause. */
export type DeliveryStatus = 'pending' | 'retrying' | 'delivered' | 'failed' | 'cancelled';

/** Why a webhook is disabled. */
export type DisabledReason = 'by_request' | 'gone' | 'failing';

/** `GET /v1/event-types/{type}`, and a row of the list. */
export interface EventTypeEntry {
  /** Whether every server has it; the others were added by the platform. */
  builtin: boolean;
  /** What the type tells, in a sentence. */
  description: string;
  /** An event's `data` as it could be. */
  example: Record<string, unknown>;
  /** When the application publishes it. */
  fires_on: string;
  /** The JSON Schema (2020-12) of the event's `data`. */
  schema: Record<string, unknown>;
  /** The type. */
  type: string;
}

/** A field that is not as it should be. */
export interface FieldError {
  /** The stable name of what is wrong with it. */
  code: string;
  /** What is wrong with it, and what to do. */
  detail: string;
  /** The JSON Pointer (RFC 6901) of the value in the request's body; empty for the body as a whole. */
  pointer: string;
}

/** Which events, by their data: a condition, or several within `all`, `any` and `not`. */
export type Filter =
  | {
  all: Filter[];
}
  | {
  any: Filter[];
}
  | {
  not: Filter;
}
  | {
  equals: string | number | boolean | null;
  pointer: string;
}
  | {
  one_of: Array<string | number | boolean | null>;
  pointer: string;
}
  | {
  greater_than: number | string;
  pointer: string;
}
  | {
  at_least: number | string;
  pointer: string;
}
  | {
  less_than: number | string;
  pointer: string;
}
  | {
  at_most: number | string;
  pointer: string;
}
  | {
  exists: boolean;
  pointer: string;
};

/** One header of an answer. */
export interface HeaderLine {
  /** Its name. */
  name: string;
  /** Its value, as text. */
  value: string;
}

/** The deliveries of an hour. */
export interface HourStats {
  /** When the hour began. */
  at: string;
  /** Cancelled before they ended otherwise. */
  cancelled: number;
  /** Answered 2xx. */
  delivered: number;
  /** The last retry failed. */
  failed: number;
  /** Half of their last attempts took at most so long, in milliseconds; `null` if there was none. */
  p50_ms?: number | null;
  /** 95 of 100 of their last attempts took at most so long, in milliseconds; `null` if there was none. */
  p95_ms?: number | null;
  /** The first attempt is still to come. */
  pending: number;
  /** An attempt failed; another is due. */
  retrying: number;
}

/** A team key, as it can be seen after it was made. */
export interface Key {
  /** When it was made. */
  created_at: string;
  /** From when on it opens nothing. */
  expires_at?: string | null;
  /** Which key; also its public part. */
  id: string;
  /** The last use, to the minute. */
  last_used_at?: string | null;
  /** For people. */
  name: string;
  /** When it was revoked. */
  revoked_at?: string | null;
  /** What it may do. */
  scopes: Scope[];
  /** Which types it sees. */
  types: string[];
}

/** A URL of the operator's that hears notices. */
export interface NoticeWebhook {
  /** When it was made. */
  created_at: string;
  /** For people. */
  description: string;
  /** Set exactly while it is disabled: then delete it, and register it again. */
  disabled_reason?: DisabledReason | null;
  /** When its first attempt failed of those since its last success; `null` while all is well. */
  failing_since?: string | null;
  /** Which one. */
  id: string;
  /** Whether notices are sent there. */
  status: WebhookStatus;
  /** Which notices it gets. */
  types: string[];
  /** Where notices go, as a WHATWG parser writes it. */
  url: string;
}

/** Long work that was asked for in one call and goes on in slices, also over a restart. */
export interface Operation {
  /** When it was asked for. */
  created_at: string;
  /** Deliveries that wait because of it, so far. */
  done: number;
  /** When it ended; set exactly while it does not run. */
  ended_at?: string | null;
  /** Why it failed; set exactly when it did. */
  failure?: OperationFailure | null;
  /** What it is about, as it was asked for. */
  filter: OperationFilter;
  /** Which operation. */
  id: string;
  /** What it does. */
  kind: OperationKind;
  /** Deliveries that it is about but that could not be made to wait, so far. */
  skipped: number;
  /** Where it stands. */
  status: OperationStatus;
  /** When it last went on. */
  updated_at: string;
}

/** Why an operation failed. */
export type OperationFailure = 'webhook_disabled' | 'webhook_deleted' | 'damaged';

/** What an operation is about; what is `null` cuts nothing. */
export interface OperationFilter {
  /** This event. */
  event?: string | null;
  /** Not before this instant: of deliveries when they were made, of a recovery's events when they were stored. */
  since?: string | null;
  /** Deliveries that ended so. */
  status?: DeliveryStatus | null;
  /** Events of these types. */
  types?: string[] | null;
  /** Before this instant. */
  until?: string | null;
  /** This webhook. */
  webhook?: string | null;
}

/** What an operation does. */
export type OperationKind = 'resend' | 'recover';

/** Where an operation stands. All but the first are ends. */
export type OperationStatus = 'running' | 'done' | 'cancelled' | 'failed';

/** What came of one attempt. Everything but `Outcome::Success` is a failure and is retried. */
export type Outcome =
  | 'success'
  | 'http_status'
  | 'timeout'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'reset'
  | 'bad_response'
  | 'blocked_target';

/** A refusal: what is wrong and what to do about it, as `application/problem+json`. */
export interface Problem {
  /** The stable name of what is wrong. A newer server may send one that `Problem::known` does not know. */
  code: string;
  /** What is wrong here, and what to do. */
  detail: string;
  /** Each bad field, where fields are what is wrong. */
  errors?: FieldError[];
  /** `x-request-id` of the answer, to ask the operator about. */
  request_id: string;
  /** The status of the answer. */
  status: number;
  /** What the code means, in a few words; the same for every refusal with this code. */
  title: string;
  /** Where the code's page is, relative to the server. */
  type: string;
}

/** `POST …/events` with one event. */
export interface Publish {
  /** What there is to say about it: a JSON object. */
  data: Record<string, unknown>;
  /** What happened. */
  type: string;
  /** Whether webhooks that match get a delivery, as they do unless said. */
  webhooks?: boolean;
}

/** `POST …/events` with many, stored all or nothing. */
export interface PublishBatch {
  /** The events, in the order in which they will stand. */
  events: BatchEvent[];
  /** Whether webhooks that match get deliveries, as they do unless said. */
  webhooks?: boolean;
}

/** The 201 of a `PublishBatch`: both lists in the order of the batch. */
export interface PublishedBatch {
  /** The envelopes. */
  data: Envelope[];
  /** Where each stands in the team's log. */
  positions: string[];
}

/** `PUT /v1/event-types/{type}` */
export interface PutEventType {
  /** What the type tells, in a sentence. */
  description: string;
  /** An event's `data` as it could be: what a test event carries. */
  example: Record<string, unknown>;
  /** When the application publishes it. */
  fires_on: string;
  /** The JSON Schema (2020-12) of the event's `data`: a tree, with patterns that are matched in linear time. At most 32 KiB. */
  schema: Record<string, unknown>;
}

/** `POST …/webhooks/{webhook}/recover`. */
export interface RecoverWebhook {
  /** Of events stored at this instant or later. */
  since: string;
  /** Of events stored before this instant; all until now unless said. */
  until?: string | null;
}

/** What a dry run answers. */
export interface ResendCount {
  /** Whether all were looked at; a count looks at a bounded number of rows. */
  complete: boolean;
  /** As many deliveries would be resent, of those that were looked at. */
  deliveries: number;
}

/** `POST …/deliveries/resend`: all that meet everything that is set, which must be something. */
export interface ResendDeliveries {
  /** Whether to count and resend nothing; that is answered 200. */
  dry_run?: boolean | null;
  /** Only of this event. */
  event?: string | null;
  /** Only those made at this instant or later. */
  since?: string | null;
  /** Only those that ended so: `delivered`, `failed` or `cancelled`. */
  status?: DeliveryStatus | null;
  /** Only of events of these types. */
  types?: string[] | null;
  /** Only those made before this instant. */
  until?: string | null;
  /** Only to this webhook. */
  webhook?: string | null;
}

/** `POST …/events/{event}/resend`. */
export interface ResendEvent {
  /** To where. */
  webhook: string;
}

/** `POST …/webhooks/{webhook}/secret`. */
export interface RotateSecret {
  /** How long the secret before stays valid beside the new one, in seconds: a day unless given, at most a week, and 0 ends it at once. */
  overlap_seconds?: number | null;
  /** A secret from elsewhere, `whsec_…`; one is made unless given. */
  secret?: string | null;
}

/** The 200 of `POST …/webhooks/{webhook}/secret`, the one answer that shows the new secret. */
export interface RotatedSecret {
  /** Whose secret. */
  id: string;
  /** What its requests are signed with from now on. */
  secret: string;
  /** Until when `x-cstar-signature` is made with the secret before, and `webhook-signature` with both; `null` if that one ended at once. */
  secret_overlap_until?: string | null;
}

/** What a key may do. */
export type Scope =
  | 'events:write'
  | 'events:read'
  | 'webhooks:read'
  | 'webhooks:write'
  | 'deliveries:read'
  | 'deliveries:write'
  | 'keys:write'
  | 'audit:read';

/** What an attempt sent. */
export interface SentRequest {
  /** The address that was dialled, `ip:port`; `null` if it never came to that. */
  address?: string | null;
  /** The value of `x-cstar-signature`; `null` if nothing was sent. */
  signature?: string | null;
  /** The URL at that time. */
  url: string;
}

/** A session of the settings page. */
export interface Session {
  /** The key that was made for it: it is listed and revoked like any other. Its text stands in the cookie alone. */
  key: Key;
  /** Whose page it is. */
  team_id: string;
  /** What that team is called. */
  team_name: string;
}

/** The `data` of `storage.low`. */
export interface StorageLow {
  /** What may still be written to the disk. */
  free_bytes: number;
}

/** An open stream: a row of `GET …/realtime/streams`. */
export interface Stream {
  /** Which stream. */
  id: string;
  /** The key that opened it, or that made the token that did; `null` of the platform key. */
  key_id?: string | null;
  /** How many events it has still to pass. */
  lag: number;
  /** Since when. */
  opened_at: string;
  /** The last position that it has passed: sent, or left out by the filter. */
  position: string;
  /** What was asked for; `null` is everything that the key sees. */
  types?: string[] | null;
}

/** A team. */
export interface Team {
  /** When it was made. */
  created_at: string;
  /** Which team: the application's own UUID, or one that the server made. */
  id: string;
  /** For people. */
  name: string;
}

/** `POST /v1/notices/{notice}/test`, answered with the `Attempt`. */
export interface TestNoticeWebhook {
  /** Of which type the example is sent: the first that it gets, unless said. */
  type?: string | null;
}

/** `POST …/webhooks/{webhook}/test`, answered with the `Attempt`. */
export interface TestWebhook {
  /** Of which type the example is sent: the first of the catalog that the webhook wants, unless said. */
  type?: string | null;
}

/** `PATCH /v1/teams/{team}` */
export interface UpdateTeam {
  /** A new name. */
  name?: string;
}

/** `PATCH …/webhooks/{webhook}`: what is `null` stays as it is. */
export interface UpdateWebhook {
  /** A new description. */
  description?: string;
  /** Whether an answer of 410 disables it. */
  disable_on_gone?: boolean;
  /** Enables it, or disables it, which cancels what waits. */
  enabled?: boolean;
  /** New patterns. */
  events?: string[];
  /** A new filter; `null` takes it away. */
  filter?: Filter | null;
  /** Headers that every request carries; they replace the ones before. */
  headers?: Record<string, string>;
  /** Whether its deliveries go one at a time, in the log's order. */
  ordered?: boolean;
  /** At most so many attempts a second; `null` takes the limit away. */
  rate_limit?: number | null;
  /** Its own waits between attempts; `null` goes back to the server's. */
  retry_schedule?: string | null;
  /** A new URL. */
  url?: string;
}

/** A registered endpoint. */
export interface Webhook {
  /** When it was made. */
  created_at: string;
  /** For people. */
  description: string;
  /** Whether an answer of 410 disables it. */
  disable_on_gone: boolean;
  /** Set exactly while it is disabled. */
  disabled_reason?: DisabledReason | null;
  /** Which events it gets. */
  events: string[];
  /** When its first attempt failed of those since its last success; `null` while all is well, and once it is enabled again. To recover what it missed, begin earlier: an event is older than its first attempt. */
  failing_since?: string | null;
  /** Which of those, by their data; `null` is all. */
  filter?: Filter | null;
  /** The names of the headers that every request carries. Their values may be credentials: they are written and never read back. */
  header_names: string[];
  /** Which webhook. */
  id: string;
  /** Whether its deliveries go one at a time, in the log's order. */
  ordered: boolean;
  /** At most so many attempts a second, retries among them; `null` is as many as it answers well. */
  rate_limit?: number | null;
  /** Its own waits between attempts, such as `1m,5m,30m`; `null` is the server's. */
  retry_schedule?: string | null;
  /** Until when the secret before the last rotation signs too; `null` once that is over. */
  secret_overlap_until?: string | null;
  /** Whether deliveries are made. */
  status: WebhookStatus;
  /** When it last changed. */
  updated_at: string;
  /** Where requests go, as a WHATWG parser writes it. */
  url: string;
}

/** The `data` of `webhook.disabled`. */
export interface WebhookDisabled {
  /** When its first attempt failed of those since its last success; `null` if the last one succeeded. */
  failing_since?: string | null;
  /** Why. */
  reason: DisabledReason;
  /** Whose webhook. */
  team_id: string;
  /** The host of its URL. The rest of a URL may be a secret. */
  url_host: string;
  /** Which webhook. */
  webhook_id: string;
}

/** `GET …/webhooks/{webhook}/stats`: the deliveries that were made for a webhook in the last 24 hours of the clock, this one included, as they stand now. */
export interface WebhookStats {
  /** Whether that is all of the 24 hours. Only so many are counted: of a busier webhook the newest, and `since` says from when on. */
  complete: boolean;
  /** Those of each hour, oldest first. */
  hours: HourStats[];
  /** Deliveries made at this time or later are counted. */
  since: string;
  /** All of them together. */
  total: DeliveryCounts;
  /** When they were counted. */
  until: string;
}

/** Whether a webhook takes part in publishing. */
export type WebhookStatus = 'enabled' | 'disabled';
