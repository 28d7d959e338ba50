//! How far this node's tail has told the logs that other nodes append to as well.

use std::collections::{BTreeSet, HashMap};

use cstar_types::TeamId;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// The teams that somebody in this node attends, and what was rung.
#[derive(Debug, Default)]
pub(super) struct Followed {
    attended: Mutex<Attended>,
    rung: Mutex<Rung>,
    bell: Notify,
}

/// The teams, each with how far it was told. Held while the tail is told, so that it is told in order.
#[derive(Debug, Default)]
pub(super) struct Attended {
    teams: HashMap<TeamId, Team>,
    /// Rises with each erasure: what was read before one is not told after it.
    pub(super) erasures: u64,
}

#[derive(Debug, Default)]
struct Team {
    by: usize,
    /// The seq that was told last; none until somebody has asked how far the log reaches, and so knows what is before.
    told: Option<u64>,
}

/// What is to be looked at before the next look.
#[derive(Debug, Default)]
pub(super) struct Rung {
    pub(super) teams: BTreeSet<TeamId>,
    pub(super) changes: bool,
    /// Something is due that no node has.
    pub(super) due: bool,
}

/// What to do with entries that this node has appended itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// They follow what was told, or nobody asks.
    Tell,
    /// They were read from the store meanwhile.
    Told,
    /// Another node's stand between: all are read.
    Read,
}

impl Attended {
    /// One more attends the team; whether it is the first.
    pub(super) fn add(&mut self, team: TeamId) -> bool {
        let team = self.teams.entry(team).or_default();
        team.by += 1;
        team.by == 1
    }

    /// One fewer; whether it was the last.
    pub(super) fn remove(&mut self, team: TeamId) -> bool {
        let Some(known) = self.teams.get_mut(&team) else { return false };
        known.by -= 1;
        let last = known.by == 0;
        if last {
            self.teams.remove(&team);
        }
        last
    }

    /// Somebody knows all up to this one. What another knew before stays to be told.
    pub(super) fn begin(&mut self, team: TeamId, head: u64) {
        if let Some(team) = self.teams.get_mut(&team) {
            team.told.get_or_insert(head);
        }
    }

    /// This node has appended these.
    pub(super) fn own(&mut self, team: TeamId, first: u64, last: u64) -> Own {
        match self.teams.get_mut(&team).and_then(|team| team.told.as_mut()) {
            None => Own::Tell,
            Some(told) if *told + 1 == first => {
                *told = last;
                Own::Tell
            }
            Some(told) if *told >= last => Own::Told,
            Some(_) => Own::Read,
        }
    }

    /// These were read, and are told now.
    pub(super) fn tell(&mut self, team: TeamId, last: u64) {
        if let Some(told) = self.told_mut(team) {
            *told = last.max(*told);
        }
    }

    /// How far it was told, if somebody wants to know.
    pub(super) fn told(&self, team: TeamId) -> Option<u64> {
        self.teams.get(&team)?.told
    }

    fn told_mut(&mut self, team: TeamId) -> Option<&mut u64> {
        self.teams.get_mut(&team)?.told.as_mut()
    }

    /// All teams.
    pub(super) fn teams(&self) -> Vec<TeamId> {
        self.teams.keys().copied().collect()
    }
}

impl Followed {
    pub(super) fn lock(&self) -> MutexGuard<'_, Attended> {
        self.attended.lock()
    }

    /// The team's log may have come further.
    pub(super) fn ring(&self, team: TeamId) {
        self.rung.lock().teams.insert(team);
        self.bell.notify_one();
    }

    /// Something else has changed.
    pub(super) fn ring_changes(&self) {
        self.rung.lock().changes = true;
        self.bell.notify_one();
    }

    /// Something is due that no node has.
    pub(super) fn ring_due(&self) {
        self.rung.lock().due = true;
        self.bell.notify_one();
    }

    /// What was rung, once something was.
    pub(super) async fn rung(&self) -> Rung {
        self.bell.notified().await; // keeps a permit if it was rung in between: there is one waiter
        std::mem::take(&mut *self.rung.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(number: u128) -> TeamId {
        TeamId::from_uuid(uuid::Uuid::from_u128(number))
    }

    /// RT-1, LOG-2: what this node appends is told as it comes only where nothing is missing before it.
    #[test]
    fn what_is_told_has_no_hole() {
        let mut attended = Attended::default();
        assert_eq!(attended.own(team(1), 5, 6), Own::Tell, "nobody attends it");
        assert!(attended.add(team(1)) && !attended.add(team(1)));
        assert_eq!(attended.own(team(1), 7, 7), Own::Tell, "nobody has asked yet");
        attended.begin(team(1), 8);
        attended.begin(team(1), 9);
        assert_eq!(attended.told(team(1)), Some(8), "who asked first still waits for 9");
        assert_eq!(attended.own(team(1), 10, 11), Own::Read);
        assert_eq!(attended.own(team(1), 9, 9), Own::Tell);
        attended.tell(team(1), 12);
        assert_eq!(attended.own(team(1), 10, 12), Own::Told);
        assert_eq!(attended.own(team(1), 12, 13), Own::Read, "one of them was told");
        assert!(!attended.remove(team(1)) && attended.remove(team(1)) && !attended.remove(team(1)));
        assert_eq!(attended.teams(), []);
    }
}
