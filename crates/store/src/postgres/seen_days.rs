//! On which days the logs that are read were written, as far as reading has shown it.
//!
//! Times within a team never fall, so what follows an event is of its day or a later one. Said with the question, that keeps the
//! database from planning for the partition of every day that is kept, which takes longer than reading.

use std::collections::{BTreeMap, HashMap};

use cstar_types::TeamId;
use parking_lot::Mutex;

use super::days::Day;

/// Teams that are remembered, and days of each: some tens of megabytes at worst. What is not known costs time, no more.
const TEAMS_MAX: usize = 4096;
const DAYS_MAX: usize = 400;

/// Of each team, the first event that was seen of a day.
#[derive(Debug, Default)]
pub(super) struct SeenDays(Mutex<HashMap<TeamId, BTreeMap<Day, i64>>>);

impl SeenDays {
    /// An event of the team's log was written on this day.
    pub(super) fn saw(&self, team: TeamId, seq: i64, day: Day) {
        let mut teams = self.0.lock();
        if teams.len() >= TEAMS_MAX && !teams.contains_key(&team) {
            teams.clear();
        }
        let days = teams.entry(team).or_default();
        let first = days.entry(day).or_insert(seq);
        *first = seq.min(*first);
        if days.len() > DAYS_MAX {
            days.pop_first();
        }
    }

    /// No event behind this one is of a day before.
    pub(super) fn behind(&self, team: TeamId, seq: i64) -> Day {
        let teams = self.0.lock();
        let newest = teams.get(&team).and_then(|days| days.iter().rfind(|(_, first)| **first - 1 <= seq));
        newest.map_or(Day::MIN, |(day, _)| *day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG-2: what is left out is never of the log that follows.
    #[test]
    fn what_follows_is_of_no_earlier_day() {
        let (seen, team) = (SeenDays::default(), TeamId::from_uuid(uuid::Uuid::from_u128(1)));
        assert_eq!(seen.behind(team, 9), Day::MIN, "nothing was seen");
        seen.saw(team, 20, 7);
        seen.saw(team, 10, 7);
        seen.saw(team, 30, 8);
        for (behind, day) in [(0, Day::MIN), (8, Day::MIN), (9, 7), (28, 7), (29, 8), (i64::MAX, 8)] {
            assert_eq!(seen.behind(team, behind), day, "behind {behind}");
        }
    }
}
