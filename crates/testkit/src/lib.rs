//! What tests of the real thing need: the binary as a process, faults in its calls to the kernel, clients that hide
//! nothing, and a ledger that decides afterwards whether anything was lost.
//!
//! Nothing here is shipped.

mod authority;
mod canary;
mod clock;
mod disk;
mod footprint;
mod http;
mod ledger;
mod machine;
mod nats;
mod nodes;
mod pooler;
mod postgres;
mod process;
mod proxy;
mod raw;
mod receiver;
mod scene;
mod small_disk;
mod strace;
mod stream;
mod team;
mod trace;
mod wait;
mod wire;

pub use authority::{Authority, Identity, SERVER_NAME, Validity};
pub use canary::Canary;
pub use clock::Clock;
pub use disk::{Disk, DiskFault};
pub use footprint::Footprint;
pub use http::{Answer, Http, NoAnswer};
pub use ledger::{Crash, Delivered, Endpoint, Evidence, Ledger, Life, Note, Verdict, Watched};
pub use machine::{free_address, has_ipv6, leads_astray, send};
pub use nats::NatsServer;
pub use nodes::{Nodes, Servers, SharedFault};
pub use pooler::Pooler;
pub use postgres::{OpenTransaction, Pair, PostgresServer};
pub use process::{CstarProcess, Ended, PLATFORM_KEY};
pub use proxy::{Proxy, ProxyReply};
pub use raw::{RawAnswer, exchange};
pub use receiver::{Gate, Received, Receiver, Reply};
/// What [`send`] sends.
pub use rustix::process::Signal;
pub use scene::{Fault, Rig, Scene, Sums};
pub use small_disk::SmallDisk;
pub use strace::Strace;
pub use stream::{Connection, Frame, Stream, StreamReader};
pub use team::{Published, Team, ticket};
pub use trace::{Call, JUDGED_CALLS, answers_after_sync, calls, without_syncs};
pub use wait::{DEADLINE, until, until_within};
pub use wire::Wire;
