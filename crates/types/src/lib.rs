//! The nouns of cStar, and the rules that need nothing but them.
//!
//! Floor 0: no IO, no clock (`now` is handed in), no HTTP, no SQL.

mod audit;
pub mod catalog;
mod delivery;
mod event;
mod failed_deliveries;
mod failing;
mod filter;
mod histogram;
mod id;
pub mod json;
mod key;
pub mod limits;
mod notice;
mod operation;
mod pattern;
mod position;
mod retry;
#[cfg(feature = "schema")]
mod schema;
mod team;
mod time;
mod webhook;

pub use audit::{Actor, AuditAction, AuditEntry, Author, NotAnAction, NotAnActor};
pub use delivery::{
    Attempt, AttemptRequest, AttemptSummary, CancelReason, Delivery, DeliveryStatus, NotAStatus, Outcome,
};
pub use event::{Entry, Envelope, Event, envelope_len};
pub use failed_deliveries::{
    DELIVERY_FAILED_EVERY, DELIVERY_FAILED_MAX, DELIVERY_FAILED_MAX_OF_TEAM, FailedDeliveries,
};
pub use failing::{FailureRule, FailureStreak};
pub use filter::{Filter, FilterError, FilterFault, FilterProblem};
pub use histogram::Histogram;
pub use id::{
    AuditId, AuditKind, DeliveryId, DeliveryKind, EventId, Id, IdKind, KeyId, KeyKind, NotAnId, OperationId,
    OperationKind, StreamId, StreamKind, TeamId, WebhookId, WebhookKind,
};
pub use key::{Key, NotAScope, Scope, Scopes};
pub use notice::{DeliveryFailed, Notice, NoticeType, STORAGE_LOW_EVERY, StorageLow, WebhookDisabled};
pub use operation::{Operation, OperationFailure, OperationStatus, OperationWork, ResendFilter};
pub use pattern::{EventType, Pattern, PatternError, Patterns};
pub use position::{Cursor, NotAPosition, Position};
pub use retry::{
    RETRIES_MAX, RETRY_WAIT_MAX, RetrySchedule, RetryScheduleError, format_duration, parse_duration,
};
pub use team::Team;
pub use time::{Clock, NotAnInstant, Timestamp};
pub use webhook::{DisabledReason, HeaderNames, Webhook, WebhookStatus};
