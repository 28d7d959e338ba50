//! How often failed deliveries are told: an operator wants to know that endpoints fail, and not to be sent as much as they
//! were, whoever makes and deletes webhooks that fail.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::Timestamp;

/// Of one webhook's failed deliveries one is told in so long, with the number of those before it.
pub const DELIVERY_FAILED_EVERY: Duration = Duration::from_secs(60);

/// In so long at most so many of a team's are told, and so many of all teams'; the others are counted.
pub const DELIVERY_FAILED_MAX_OF_TEAM: u32 = 10;
/// See [`DELIVERY_FAILED_MAX_OF_TEAM`].
pub const DELIVERY_FAILED_MAX: u32 = 60;

/// As many webhooks are remembered, and as many teams: a few megabytes.
const REMEMBERED_MAX: usize = 65_536;

/// When failed deliveries were last told. Webhooks and teams are told apart by what the store knows them by.
#[derive(Debug, Clone)]
pub struct FailedDeliveries<W, T> {
    webhooks: HashMap<W, Untold>,
    teams: HashMap<T, Told>,
    all: Told,
}

/// The failed deliveries of one webhook: when they were last told, and how many there were since.
#[derive(Debug, Clone, Copy, Default)]
struct Untold {
    told_at: Option<Timestamp>,
    count: u32,
}

/// How many were told since when.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    since: Option<Timestamp>,
    count: u32,
}

/// Whether it is too early to begin anew. A clock that was set back makes nobody wait until it is there again.
fn is_soon(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_some_and(|last| now >= last && now.since(last) < DELIVERY_FAILED_EVERY)
}

impl Told {
    fn has_room(self, max: u32, now: Timestamp) -> bool {
        !is_soon(self.since, now) || self.count < max
    }

    fn one_more(&mut self, now: Timestamp) {
        if !is_soon(self.since, now) {
            *self = Self { since: Some(now), count: 0 };
        }
        self.count += 1;
    }
}

impl<W, T> Default for FailedDeliveries<W, T> {
    fn default() -> Self {
        Self { webhooks: HashMap::new(), teams: HashMap::new(), all: Told::default() }
    }
}

impl<W: Hash + Eq, T: Hash + Eq> FailedDeliveries<W, T> {
    /// Counts one that failed at `now`; answers how many of its webhook's are told now, if they are.
    pub fn one_more(&mut self, webhook: W, team: T, now: Timestamp) -> Option<u32> {
        make_room(&mut self.webhooks, &webhook, |untold| is_soon(untold.told_at, now));
        let untold = self.webhooks.entry(webhook).or_default();
        untold.count = untold.count.saturating_add(1);
        if is_soon(untold.told_at, now) || !self.all.has_room(DELIVERY_FAILED_MAX, now) {
            return None;
        }
        make_room(&mut self.teams, &team, |told| is_soon(told.since, now));
        let of_team = self.teams.entry(team).or_default();
        if !of_team.has_room(DELIVERY_FAILED_MAX_OF_TEAM, now) {
            return None;
        }
        of_team.one_more(now);
        self.all.one_more(now);
        untold.told_at = Some(now);
        Some(std::mem::take(&mut untold.count))
    }

    /// These webhooks are no more: others may be known by what they were known by.
    pub fn forget_webhooks(&mut self, are_gone: impl Fn(&W) -> bool) {
        self.webhooks.retain(|webhook, _| !are_gone(webhook));
    }

    /// What was told may not have been kept, so each webhook's may be told at once; how many may be told in all stays.
    #[must_use]
    pub fn with_no_webhook(self) -> Self {
        Self { webhooks: HashMap::new(), ..self }
    }
}

/// Forgets what no longer matters once too much is remembered, or else everything: then some are told early.
fn make_room<K: Hash + Eq, V>(known: &mut HashMap<K, V>, next: &K, matters: impl Fn(&V) -> bool) {
    if known.len() < REMEMBERED_MAX || known.contains_key(next) {
        return;
    }
    known.retain(|_, value| matters(value));
    if known.len() >= REMEMBERED_MAX {
        known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + second * 1000)
    }

    #[test]
    fn a_webhooks_are_told_once_a_minute_and_counted_in_between() {
        let mut failed = FailedDeliveries::default();
        let mut one_more = |second| failed.one_more(1, 1, at(second));
        assert_eq!(one_more(0), Some(1));
        assert_eq!((1..60).filter_map(&mut one_more).count(), 0);
        assert_eq!(one_more(60), Some(60));
        assert_eq!(one_more(61), None);
        assert_eq!(one_more(5), Some(2), "the clock was set back");
        assert_eq!(one_more(65), Some(1));
    }

    /// Webhooks that are made, fail and are deleted are not told each, and other teams' are told all the same.
    #[test]
    fn webhooks_without_end_are_told_so_often() {
        let mut failed = FailedDeliveries::default();
        let mut told = 0;
        for webhook in 0..1000 {
            told += u32::from(failed.one_more(webhook, 1, at(0)).is_some());
            failed.forget_webhooks(|gone| *gone == webhook);
            failed = failed.with_no_webhook();
        }
        assert_eq!(told, DELIVERY_FAILED_MAX_OF_TEAM);
        assert_eq!(failed.one_more(5000, 2, at(1)), Some(1), "another team's is told");
        let told = (6000..6200).filter(|webhook| failed.one_more(*webhook, *webhook, at(2)).is_some());
        assert_eq!(told.count() as u32, DELIVERY_FAILED_MAX - DELIVERY_FAILED_MAX_OF_TEAM - 1);
        assert_eq!(failed.one_more(6199, 6199, at(60)), Some(2), "what was not told is counted");
    }

    #[test]
    fn no_more_is_remembered_than_that() {
        let mut failed = FailedDeliveries::default();
        for webhook in 0..=REMEMBERED_MAX {
            failed.one_more(webhook, webhook, at(0));
        }
        assert!(failed.webhooks.len() <= REMEMBERED_MAX && failed.teams.len() <= REMEMBERED_MAX);
        assert_eq!(failed.one_more(9, 9, at(1)), None, "how many were told in all is not forgotten");
    }
}
