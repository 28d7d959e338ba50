//! What nodes tell each other: "team T has reached N", "something changed", or "something is due". Never what it is: that is read from the store.
//!
//! ```text
//! commit ─▶ Doorbell ─▶ what waits, merged ─▶ line ── LISTEN/NOTIFY or NATS ──▶ line ─▶ the store of another node reads
//! ```
//! A bell may be lost, come twice or late: each node looks at the store by itself every second. So a lost one costs that
//! second, and never an event.
//!
//! [`Nats`] is one subject for each team, subscribed to only where somebody attends it, and one for what concerns every node.
//! [`Postgres`] is `LISTEN` and `NOTIFY` on a connection of its own, outside of every transaction: a `NOTIFY` within one would make
//! all commits wait for each other.

mod doorbell;
mod line;
mod nats;
mod news;
mod postgres;
mod run;

pub use doorbell::Doorbell;
pub use line::{Line, LineError, Lines};
pub use nats::Nats;
pub use news::News;
pub use postgres::Postgres;
pub use run::run;
