//! The names of the headers that carry signatures, in lower case as HTTP/2 has them.

/// The signature of the body alone, as [`verify_body`](crate::verify_body) takes it (W36).
pub const BODY_SIGNATURE: &str = "x-cstar-signature";

/// Standard Webhooks: the event's id, the same on every attempt.
pub const WEBHOOK_ID: &str = "webhook-id";

/// Standard Webhooks: when this attempt was made, in whole seconds since 1970.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";

/// Standard Webhooks: a signature for each secret that is valid, separated by spaces.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";
