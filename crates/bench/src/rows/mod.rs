//! What is measured of the server, a file for each family.

pub(crate) mod dead;
pub(crate) mod growth;
pub(crate) mod latency;
pub(crate) mod nodes;
mod pages;
pub(crate) mod publish;
pub(crate) mod reconnect;
pub(crate) mod recorded;
pub(crate) mod replay;
pub(crate) mod storm;
pub(crate) mod streams;
pub(crate) mod webhook;

use crate::floors::sync::Sync;
use crate::server::Place;

/// What every row needs to know.
pub(crate) struct Run {
    pub(crate) place: Place,
    pub(crate) sync: Sync,
    /// Under a minute in all.
    pub(crate) quick: bool,
    /// Events stored for `growth`.
    pub(crate) growth_events: u64,
}

impl Run {
    /// One of two sizes.
    pub(crate) const fn size(&self, quick: u64, whole: u64) -> u64 {
        if self.quick { quick } else { whole }
    }
}
