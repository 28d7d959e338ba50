//! The hot pure functions, each as a closure that runs it once over fixed data.
//!
//! `cargo xtask count` runs them under callgrind, which counts instructions: a figure that is the same on a busy machine and an
//! idle one, so that a test can hold it to a budget. The budgets stand in `docs/performance/instructions.md`.
//!
//! What a crate keeps to itself is taken in here by its source: it needs no door for this alone, and what is around it
//! need not be built optimised a second time. Its tests stay there.
#![cfg(not(test))]

mod given;
mod json;
mod matching;
mod retrying;
mod sending;
mod signing;
mod streaming;

#[allow(dead_code, unused_imports, reason = "more of it is used where it belongs")]
#[path = "../../delivery/src/lanes/mod.rs"]
mod lanes;
#[allow(dead_code, reason = "more of it is used where it belongs")]
#[path = "../../delivery/src/retry.rs"]
mod retry;
#[allow(dead_code, reason = "more of it is used where it belongs")]
#[path = "../../realtime/src/ring.rs"]
mod ring;
#[allow(dead_code, reason = "more of it is used where it belongs")]
#[path = "../../realtime/src/run.rs"]
mod run;

/// Runs one function once.
pub type Run = Box<dyn FnMut()>;
/// A function's name, and what makes ready to run it.
pub type Case = (&'static str, fn() -> Run);

/// Everything that is counted, in the order of an event's way.
#[must_use]
pub fn cases() -> Vec<Case> {
    let parts = [json::cases(), matching::cases(), signing::cases(), sending::cases(), retrying::cases()];
    parts.into_iter().flatten().chain(streaming::cases()).collect()
}
