//! The names of the headers that the API gives a meaning of its own.

/// Identifies one request in answers and logs; on every answer. A sane one that the caller sent is kept.
pub const REQUEST_ID: &str = "x-request-id";

/// Where a published event stands in its team's log.
pub const POSITION: &str = "x-cstar-position";

/// `true` on a publish makes a test event (T20).
pub const TEST: &str = "x-cstar-test";

/// On a single publish: a repeat with the same key makes no second event.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `true` on the answer to a publish that repeated an earlier one.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// The media type of a refusal (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";
