//! All lanes at one moment, for metrics: who is behind, and whether it is the endpoint's doing.

use cstar_types::Timestamp;

use super::Lanes;
use super::pace::Standing;

/// What the lanes of one standing hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Deliveries that are due and wait in memory.
    pub(crate) due: u64,
    /// Requests under way.
    pub(crate) in_flight: u64,
    /// Lanes of which more is due in the store than they hold in memory.
    pub(crate) behind: u64,
}

/// All lanes at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Lanes whose last attempt succeeded.
    pub(crate) proven: Held,
    /// Lanes of which nothing has succeeded yet.
    pub(crate) untried: Held,
    /// Lanes whose last attempt failed.
    pub(crate) failing: Held,
    /// Since when the oldest delivery is due of those that wait in memory.
    pub(crate) due_since: Option<Timestamp>,
}

impl Lanes {
    /// Looks at every lane: for now and then.
    pub(crate) fn survey(&self) -> Survey {
        let mut survey = Survey::default();
        for lane in self.lanes.values() {
            let held = match lane.pace.standing() {
                Standing::Proven => &mut survey.proven,
                Standing::Unproven => &mut survey.untried,
                Standing::Failing(_) => &mut survey.failing,
            };
            held.due += lane.waiting() as u64;
            held.in_flight += u64::from(lane.in_flight);
            held.behind += u64::from(lane.has_more());
            survey.due_since = [survey.due_since, lane.due_since()].into_iter().flatten().min();
        }
        survey
    }
}
