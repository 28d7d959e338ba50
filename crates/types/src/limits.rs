//! Limits of the nouns themselves. What an operator may set is in the server's options and starts from these.

use std::time::Duration;

/// The longest `resource` or `action` of an event type, in bytes (T18).
pub const SEGMENT_MAX_BYTES: usize = 64;

/// An envelope's default limit, in bytes: common receivers refuse larger bodies (Express takes 100 kB).
pub const ENVELOPE_MAX_BYTES: usize = 64 * 1024;

/// How far an operator may raise [`ENVELOPE_MAX_BYTES`].
pub const ENVELOPE_CEILING_BYTES: usize = 96 * 1024;

/// The most events in one batch.
pub const BATCH_MAX_EVENTS: usize = 1000;

/// The largest body of a batch, in bytes.
pub const BATCH_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_MAX_CHARS: usize = 255;

/// The default and the highest number of webhooks a team has.
pub const WEBHOOKS_A_TEAM: usize = 100;
/// How far an operator may raise [`WEBHOOKS_A_TEAM`].
pub const WEBHOOKS_A_TEAM_CEILING: usize = 1000;

/// The most URLs that hear notices. What happens to a webhook is told to each in the same commit.
pub const NOTICE_WEBHOOKS_MAX: usize = 10;

/// The most delivery rows in one commit: it bounds how long a commit holds up the next one.
pub const COMMIT_MAX_DELIVERIES: usize = 20_000;

/// The most patterns of one webhook, key or stream: each event is held against them all.
pub const PATTERNS_MAX: usize = 64;

/// The longest filter of a webhook, in bytes of its canonical form: it is kept in memory for as long as its team publishes.
pub const FILTER_MAX_BYTES: usize = 4096;

/// The most conditions of a filter, those that hold others included: each event is held against them all.
pub const FILTER_MAX_CONDITIONS: usize = 64;

/// The most keys in the pointers of a filter, all together: each of them is a step into the data of each event, and a filter's bytes
/// alone would hold sixteen hundred.
pub const FILTER_MAX_STEPS: usize = 256;

/// How deep the conditions of a filter go. Whoever needs more can say the same flatter.
pub const FILTER_MAX_DEPTH: usize = 8;

/// The highest rate limit of a webhook, in attempts a second. What takes more than this needs no limit: it is given no more
/// than it answers anyway.
pub const RATE_LIMIT_MAX: u32 = 1000;

/// The most static headers of a webhook.
pub const STATIC_HEADERS_MAX: usize = 20;

/// The longest URL of a webhook, in bytes: what servers and proxies commonly take as a request line.
pub const URL_MAX_BYTES: usize = 2048;

/// The longest free text (a name or description), in characters.
pub const TEXT_MAX_CHARS: usize = 500;

/// The default number of event types that the platform may add to the built-in ones: their compiled schemas stay in memory.
pub const ADDED_TYPES: usize = 200;
/// How far an operator may raise [`ADDED_TYPES`].
pub const ADDED_TYPES_CEILING: usize = 1000;

/// The longest JSON Schema of an event type, in bytes.
pub const SCHEMA_MAX_BYTES: usize = 32 * 1024;

/// The most operations of a team that are under way together: they take turns, so more would only make each slower.
pub const OPERATIONS_A_TEAM: usize = 10;

/// How long a webhook's secret stays valid beside the one that replaces it, unless told otherwise (T3): a working day, and
/// the night before it.
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest overlap. A secret that is to be replaced is not to be kept much longer.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What is read of a response body, in bytes (T7).
pub const RESPONSE_READ_MAX_BYTES: usize = 64 * 1024;

/// What is kept of a response body for the log, in bytes.
pub const RESPONSE_KEPT_BYTES: usize = 4 * 1024;

/// The default and the largest page of a list, in rows.
pub const PAGE_DEFAULT_ROWS: usize = 50;
/// The largest page of a list, in rows.
pub const PAGE_MAX_ROWS: usize = 200;

const _: () = assert!(ENVELOPE_MAX_BYTES <= ENVELOPE_CEILING_BYTES);
const _: () =
    assert!(ENVELOPE_CEILING_BYTES < 100_000, "Express refuses bodies over 100 kB unless told otherwise");
const _: () = assert!(OVERLAP_DEFAULT.as_secs() <= OVERLAP_MAX.as_secs());
const _: () = assert!(RESPONSE_KEPT_BYTES <= RESPONSE_READ_MAX_BYTES);
const _: () =
    assert!(WEBHOOKS_A_TEAM_CEILING <= COMMIT_MAX_DELIVERIES, "one event must always fit one commit");
const _: () = assert!(ADDED_TYPES <= ADDED_TYPES_CEILING);
const _: () = assert!(PAGE_DEFAULT_ROWS <= PAGE_MAX_ROWS);
