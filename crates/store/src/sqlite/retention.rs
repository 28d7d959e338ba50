//! Removing what is old, and what belonged to deleted teams.
//!
//! A reader finds what is to go, and the writer removes it by its places in one short transaction, looking at each row
//! again: what was resent in between stays. There is no index on time; within a team, time rises with the place.

mod plan;
mod remove;

#[cfg(test)]
pub(super) use plan::SEARCHES;
pub(super) use plan::{Plan, plan};
pub(super) use remove::remove;
