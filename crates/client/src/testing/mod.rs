//! Servers to test against: one that plays a script over TCP, and one in memory, for tests whose time stands still.

mod memory;
mod scenario;
mod server;

pub(crate) use memory::MemoryServer;
pub(crate) use scenario::{
    Answer, Asks, Finish, Head, Part, Scenario, Shown, ShownDisconnected, ShownGap, envelope, event, ready,
    scenarios,
};
pub(crate) use server::{Pieces, Received, Server, read_request};
