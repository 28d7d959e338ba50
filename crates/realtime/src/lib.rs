//! The live stream: what is committed, sent to everybody who listens, from where each of them stopped.
//!
//! ```text
//! store ─ tail ─▶ Hub::run ─▶ ring of frames, one for each team that has open streams ─▶ Subscription ─▶ connection
//!   └──────────────────────── what no ring holds ─────────────────────────────────────────┘
//! ```
//!
//! A [`Subscription`] is a cursor on the log, not a queue. A frame is encoded once and shared; a slow reader, or one that
//! comes back after an hour, costs a place in the log and reads the store in slices until it is in the ring again. An idle
//! stream has no task and no timer. The hub knows nothing of deliveries, and of HTTP only the two [`Format`]s.

mod batch;
mod budget;
mod catch_up;
mod counts;
mod cursor;
mod feed;
mod format;
#[cfg(test)]
mod given;
mod hub;
mod options;
mod reading;
mod ring;
mod run;
mod seat;
mod subscribe;
mod subscription;
mod task;
mod wheel;

pub use counts::Counts;
pub use cursor::Origin;
pub use format::Format;
pub use hub::{Hub, Stream};
pub use options::Options;
pub use seat::HangUp;
pub use subscribe::{Subscribe, SubscribeError};
pub use subscription::Subscription;
