//! A store in PostgreSQL, which several nodes share.
//!
//! ```text
//! node ──▶ turn of the team ──▶ group: one transaction, two trips ──▶ commit ──▶ tail of this node, answers
//!                                     │ locks the team's row, which counts (LOG-2)
//! node ──▶ …                          ▼
//!                        events · deliveries · due (leased to the node that made them)
//! ```
//!
//! - The row of a team is its counter (`migrations`): whoever appends locks it, counts on, and commits. So positions have no
//!   holes, rise in the order of commits, and who gets an event is decided by the webhooks as they stand at its commit.
//! - Transactions last for two or three trips, however much they bring (`group`): values go as arrays. Those of different teams
//!   run side by side; within a node those of one team wait for each other before they take a connection (`turns`).
//! - What is to be sent stands in one small table, and belongs to the node that made it, which sends it from memory. When the
//!   lease of a node has run out, on the database's clock, others take what it had (`nodes`).
//! - What other nodes commit is followed (`follow`): of the teams that somebody in this node attends, their new events; of all, what
//!   changes something that is remembered. A [`Doorbell`] makes that a matter of milliseconds; without one it takes a second.
//! - A commit whose answer does not come, or that a standby may lack, is [`crate::StoreError::OutcomeUnknown`]; the idempotency
//!   key settles it.
//! - No transaction leans on a session, so there may be a pooler in between (`pool`).
//!
//! Why not otherwise: positions from a sequence have holes, and are not in the order of commits; `NOTIFY` in a transaction
//! makes all commits of the database wait for each other.

mod append;
mod attempts;
mod audit;
mod backup;
mod cancel;
mod changes;
mod check;
mod clock;
mod columns;
mod connect;
mod copy_file;
mod days;
mod deliveries;
mod delivery_rows;
mod directory;
mod doorbell;
mod due;
mod erase;
mod event_rows;
mod event_types;
mod events;
mod failing;
mod fault;
#[cfg(feature = "floor")]
pub mod floor;
mod follow;
mod followed;
mod head;
mod judge;
mod key_rows;
mod keys;
mod links;
mod locks;
mod log;
mod nodes;
mod notices;
mod operation_rows;
mod operations;
mod options;
mod pool;
mod publisher;
mod receive;
mod record;
mod reopen;
mod resend;
mod retention;
mod schema;
mod seen_days;
mod servers;
mod store;
mod team_rows;
mod teams;
mod timeline;
mod tls;
mod turns;
mod tx;
mod upkeep;
mod values;
mod wanting;
mod webhook_rows;
mod webhooks;

pub use copy_file::{Manifest, is_copy, verify_copy};
pub use doorbell::Doorbell;
pub use options::Options;
pub(crate) use receive::Receiving;
pub use store::Postgres;
