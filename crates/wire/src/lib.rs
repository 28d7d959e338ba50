//! The shapes of the HTTP API, v1: what is asked, what is answered, and how a request is refused.
//!
//! The server writes what a client reads and the other way round, so each shape stands here once, for both. A shape
//! says what may be there; whether a value is allowed is the server's to judge. Nothing here knows how events are
//! kept.

mod audit;
mod catalog;
mod code;
mod control;
mod delivery;
mod event;
pub mod header;
mod key;
mod list;
mod notice;
mod operation;
mod problem;
mod secret;
mod session;
mod stats;
mod stream;
mod team;
mod token;
mod webhook;

pub use audit::{Actor, ActorKind, AuditEntry};
pub use catalog::{EventTypeEntry, PutEventType};
pub use code::{Code, UnknownCode};
pub use control::{Gap, GapReason, StreamReady, StreamReconnect, StreamUnauthorized};
pub use delivery::{
    Attempt, AttemptSummary, Delivery, DeliveryDetail, DeliveryRow, HeaderLine, ResendEvent, SentRequest,
};
pub use event::{BatchEvent, Envelope, EnvelopeFields, Publish, PublishBatch, PublishedBatch};
pub use key::{CreateKey, CreatedKey, Key};
pub use list::List;
pub use notice::{CreateNoticeWebhook, CreatedNoticeWebhook, NoticeWebhook, TestNoticeWebhook};
pub use operation::{
    Operation, OperationFilter, OperationKind, RecoverWebhook, ResendCount, ResendDeliveries,
};
pub use problem::{FieldError, Problem};
pub use secret::ShownOnce;
pub use session::{CreatePortalLink, CreateSession, CreatedPortalLink, Session};
pub use stats::{DeliveryCounts, HourStats, WebhookStats};
pub use stream::Stream;
pub use team::{CreateTeam, Team, UpdateTeam};
pub use token::{CreateToken, CreatedToken};
pub use webhook::{
    CreateWebhook, CreatedWebhook, RotateSecret, RotatedSecret, TestWebhook, UpdateWebhook, Webhook,
};

/// What texts for people are made of.
#[cfg(feature = "schema")]
const NO_CONTROLS: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
