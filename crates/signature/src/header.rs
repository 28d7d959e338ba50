//! The names of the headers of a webhook's request, in lower case as HTTP/2 has them: those that carry signatures, and
//! those that stand beside them. Whatever sends such a request takes them from here (W57).

/// The signature of the body alone, as [`verify_body`](crate::verify_body) takes it (W36).
pub const BODY_SIGNATURE: &str = "x-cstar-signature";

/// Standard Webhooks: the event's id, the same on every attempt.
pub const WEBHOOK_ID: &str = "webhook-id";

/// Standard Webhooks: when this attempt was made, in whole seconds since 1970.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";

/// Standard Webhooks: a signature for each secret that is valid, separated by spaces.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// The event's type (W41).
pub const EVENT: &str = "x-cstar-event";

/// The delivery's id, the same on every attempt (W42, T8).
pub const DELIVERY: &str = "x-cstar-delivery";

/// The count of attempts, from 1, going on over resends (T8).
pub const ATTEMPT: &str = "x-cstar-attempt";

/// `true` on test events, absent otherwise (T20).
pub const TEST: &str = "x-cstar-test";

/// What every request says it comes from.
pub const USER_AGENT: &str = "cStar-Webhooks/1";
