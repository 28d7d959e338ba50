//! `cstar serve` as a process: what it promises, and what it keeps of that when it is killed, starved and lied to.

mod backup;
mod bad_input;
mod balancer;
mod copies;
mod crash;
mod damage;
mod data_directory;
mod deliveries;
mod disk;
mod erasure;
mod examples;
mod failing;
mod faults;
mod filters;
mod guide;
mod lanes;
mod locked_teams;
mod master_key;
mod metrics;
mod moved;
mod nodes;
mod notices;
mod operations;
mod ordered;
mod plain_publishes;
mod rate_limit;
mod roles;
mod secrets;
mod shared_faults;
mod shutdown;
mod stream_connections;
mod streams;
mod sync;
mod tls;
mod traces;
mod ways;

use cstar_testkit::{CstarProcess, Team, ticket};

/// The binary that was built for these tests.
const BINARY: &str = env!("CARGO_BIN_EXE_cstar");

/// The same, not started yet.
fn cstar() -> CstarProcess {
    CstarProcess::new(BINARY)
}

/// The binary, running, with a team.
async fn with_team(cstar: CstarProcess) -> (CstarProcess, Team) {
    let mut cstar = cstar;
    cstar.start().await;
    let team = Team::create(&cstar.http()).await;
    (cstar, team)
}
