//! What a developer has in hand, against the real server: the command line, word by word as it prints, and the Rust client.
//!
//! Everything runs as the binary that was built, in a home of its own. Snapshots hold what is printed; what differs from
//! run to run is blanked first (`redact.rs`).

mod backup;
mod calls;
mod client;
mod dev;
mod filters;
mod forward;
mod help;
mod home;
mod identity;
mod interrupt;
mod listen;
mod lists;
mod notices;
mod offline;
mod operations;
mod output;
mod redact;
mod reference;
mod refused;
mod rotation;
mod running;
mod scene;
mod sending;
mod serve;
mod settings;
mod stream;
mod tls;
mod trigger;
mod verify;

use cstar_testkit::{CstarProcess, ticket};

/// The binary that was built for these tests.
const CSTAR: &str = env!("CARGO_BIN_EXE_cstar");

/// A server that is not started yet.
fn cstar() -> CstarProcess {
    CstarProcess::new(CSTAR)
}
