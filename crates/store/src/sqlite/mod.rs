//! A store on one machine's disk, in one SQLite file.
//!
//! ```text
//! callers ──▶ queue ──▶ writer: one transaction of all that waits ──▶ sync ──▶ tail, answers
//!                                        │
//! callers ──▶ readers (a few connections, one short transaction each) ◀── file
//! ```
//!
//! - One thread writes (`writer`): it takes what waits, applies it in the order of arrival (`commit`), and tells and answers
//!   after the sync (LOG-1). SQLite lets readers see a commit only after its sync, too.
//! - A row's key says where it stands (`place`): the team above, the count within the team below. One table is then the log of
//!   every team, in order, without an index for it; and since time rises with the count, `since` and `until` are
//!   searched for in the same key.
//! - Every row carries a checksum (`stored::checksum`); every secret is encrypted (`stored::vault`).
//! - What fails is sorted once (`fault`): refuse, make room, find the one at fault, or stop for good.
//! - Large changes are done at once for those who read, and in slices on the disk (`cancel`, `retention`).
//!
//! Why not otherwise: webhooks are matched by the writer, not before the queue, because it is a look into a map there
//! (see `memory`); positions are not kept in a row of the team, because the newest row of the log says the same and is at
//! hand; attempts have no index, because each points to the one before it.

mod append;
mod attempt_rows;
mod audit;
mod backup;
mod cancel;
mod check;
mod checkpoint;
mod commit;
mod connection;
mod deliveries;
mod delivery_rows;
mod disk;
mod due;
mod erase;
mod event_rows;
mod event_type_rows;
mod event_types;
mod events;
mod failing;
mod fault;
mod finding;
#[cfg(feature = "floor")]
pub mod floor;
mod fresh;
mod idempotency;
mod key_rows;
mod keys;
mod link_rows;
mod links;
mod lock;
mod look;
mod memory;
mod meta;
mod notices;
mod offline;
mod open;
mod operation_rows;
mod operations;
mod options;
mod place;
mod queue;
mod readers;
mod record;
mod rekey;
mod resend;
mod reserve;
mod retention;
mod room;
mod rows;
mod schema;
mod shared;
mod store;
mod team_rows;
mod teams;
mod tx;
mod types;
mod wal;
mod webhook_rows;
mod webhooks;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::stored::MasterKey;
pub use backup::{Manifest, Restored, read_manifest, restore, verify};
#[cfg(feature = "postgres")]
pub(crate) use fault::fault_of;
pub use finding::{About, Finding, Looked};
pub use offline::{Offline, holds_data};
pub use options::Options;
pub use rekey::Rekeyed;
pub use store::SqliteStore;
