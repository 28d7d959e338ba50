//! The target rule (SEC-1): where requests may go.
//!
//! It is an allow-list, decided on the address that is dialled, when a webhook is made or changed and again at every
//! attempt. A [`Vetted`] address comes from nowhere but [`TargetRule::vet`], and the sender dials nothing else.

mod address;
mod name;
mod names;
#[cfg(test)]
mod names_tests;
mod port;
mod resolve;
mod rule;
#[cfg(test)]
mod spelling_tests;

pub(crate) use names::{Asker, Names};
pub use resolve::{Resolver, SystemResolver};
pub use rule::{Target, TargetError, TargetRule, Vetted};
