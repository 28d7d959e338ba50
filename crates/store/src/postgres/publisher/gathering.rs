//! Which of the publishes that wait make the next group.

use std::collections::{HashMap, HashSet};

use cstar_types::TeamId;

/// Events of one group, and their bytes: a few milliseconds of the database's time.
const GROUP_EVENTS: usize = 2_000;
const GROUP_BYTES: usize = 8 << 20;
/// A team with so many events waiting is hot, and has a group of its own.
const HOT_EVENTS: usize = 200;

/// A group that gathers, from what waits in its order.
pub(super) struct Gathering<'s> {
    /// Events that wait.
    events_of: HashMap<TeamId, usize>,
    locked: &'s HashSet<TeamId>,
    one_more_may_wait: bool,
    ours: HashSet<TeamId>,
    others: HashSet<TeamId>,
    events: usize,
    bytes: usize,
}

impl<'s> Gathering<'s> {
    /// Of all that waits, as teams and numbers of events; a team that is locked goes alone, if one more group may wait for a row.
    pub(super) fn new(
        waiting: impl Iterator<Item = (TeamId, usize)>,
        locked: &'s HashSet<TeamId>,
        one_more_may_wait: bool,
    ) -> Self {
        let mut events_of = HashMap::new();
        for (team, events) in waiting {
            *events_of.entry(team).or_default() += events;
        }
        let (ours, others) = (HashSet::new(), HashSet::new());
        Self { events_of, locked, one_more_may_wait, ours, others, events: 0, bytes: 0 }
    }

    /// Whether the next that waits is of the group, for which its team's turn is taken unless the group has it.
    pub(super) fn takes(
        &mut self,
        team: TeamId,
        events: usize,
        bytes: usize,
        take_turn: impl FnOnce() -> bool,
    ) -> bool {
        let (more, heavier) = (self.events + events, self.bytes + bytes);
        let fits = self.ours.is_empty() || (more <= GROUP_EVENTS && heavier <= GROUP_BYTES);
        // What a team publishes later must not overtake what was left of it.
        let can = fits && !self.others.contains(&team) && self.mixes(team);
        let takes = can && (self.ours.contains(&team) || take_turn());
        if takes {
            (self.events, self.bytes) = (more, heavier);
            self.ours.insert(team);
        } else {
            self.others.insert(team);
        }
        takes
    }

    /// Whether the group may wait for a row: it holds up nobody else.
    pub(super) fn may_wait(&self) -> bool {
        self.one_more_may_wait && self.ours.len() == 1
    }

    fn mixes(&self, team: TeamId) -> bool {
        if self.ours.is_empty() {
            return self.one_more_may_wait || !self.locked.contains(&team);
        }
        self.ours.contains(&team)
            || !(self.goes_alone(team) || self.ours.iter().any(|team| self.goes_alone(*team)))
    }

    fn goes_alone(&self, team: TeamId) -> bool {
        self.locked.contains(&team) || self.events_of.get(&team).is_some_and(|events| *events >= HOT_EVENTS)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn team(bits: u128) -> TeamId {
        TeamId::from_uuid(Uuid::from_u128(bits))
    }

    /// The group that these publishes make, each by its team and its events, and whether it may wait.
    fn group(waiting: &[(u128, usize)], locked: &[u128], one_more_may_wait: bool) -> (Vec<u128>, bool) {
        let locked = locked.iter().map(|bits| team(*bits)).collect();
        let sizes = waiting.iter().map(|(bits, events)| (team(*bits), *events));
        let mut gathering = Gathering::new(sizes, &locked, one_more_may_wait);
        let mut taken = Vec::new();
        for (bits, events) in waiting {
            if gathering.takes(team(*bits), *events, 1, || true) {
                taken.push(*bits);
            }
        }
        (taken, gathering.may_wait())
    }

    #[test]
    fn teams_with_little_waiting_share_a_group() {
        assert_eq!(group(&[(1, 9), (2, 9), (1, 9)], &[], true), (vec![1, 2, 1], false));
        assert_eq!(group(&[(1, 9), (1, 9)], &[], true), (vec![1, 1], true));
        assert_eq!(group(&[(1, 9)], &[], false), (vec![1], false));
    }

    /// A team with much waiting holds up no other, and goes with no other.
    #[test]
    fn a_hot_team_has_a_group_of_its_own() {
        let in_parts = HOT_EVENTS / 2;
        assert_eq!(group(&[(1, in_parts), (2, 1), (1, in_parts)], &[], true).0, [1, 1]);
        assert_eq!(group(&[(2, 1), (1, HOT_EVENTS), (3, 1)], &[], true).0, [2, 3]);
        assert_eq!(group(&[(1, HOT_EVENTS - 1), (2, 1)], &[], true).0, [1, 2]);
    }

    /// LOG-2: a team's publishes stay in their order, also where one of them does not fit.
    #[test]
    fn what_is_left_is_not_overtaken() {
        let nearly = GROUP_EVENTS - 5;
        assert_eq!(group(&[(1, nearly), (1, 9), (1, 1)], &[], true).0, [1]);
        let none = HashSet::new();
        let mut gathering = Gathering::new([(team(1), 2)].into_iter(), &none, true);
        assert!(!gathering.takes(team(1), 1, 1, || false), "somebody has its turn");
        assert!(!gathering.takes(team(1), 1, 1, || true), "and has ended");
    }

    /// A team that somebody has locked goes alone, and waits where one more group may.
    #[test]
    fn a_locked_team_goes_alone_and_waits_for_its_place() {
        let waiting = [(1, 1), (2, 1), (1, 1), (3, 1)];
        assert_eq!(group(&waiting, &[1], true), (vec![1, 1], true));
        assert_eq!(group(&waiting, &[1], false), (vec![2, 3], false));
        assert_eq!(group(&waiting, &[2], true), (vec![1, 1, 3], false));
        assert_eq!(group(&waiting, &[1, 2, 3], false), (vec![], false));
    }
}
