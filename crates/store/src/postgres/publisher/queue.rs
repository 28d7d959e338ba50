//! Publishes that wait for a group, within bounds: a burst is taken, a stall is told, and no team has all of it.

use std::collections::{HashMap, VecDeque};

use cstar_types::TeamId;

use super::Waiting;
use crate::StoreError;

/// Publishes that may wait: several groups' worth.
const CALLS: usize = 4096;
/// And what they may hold: the bound on memory while the database stalls.
const BYTES: usize = 64 << 20;
/// A team that waits for a row which somebody has locked leaves this part of both to others: one of so many.
const LEFT_TO_OTHERS: usize = 4;

const OF_ALL: (usize, usize) = (CALLS, BYTES);
const OF_A_TEAM: (usize, usize) = (CALLS - CALLS / LEFT_TO_OTHERS, BYTES - BYTES / LEFT_TO_OTHERS);

/// What waits, in its order.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    all: Held,
    of_team: HashMap<TeamId, Held>,
}

/// Calls and their bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    calls: usize,
    bytes: usize,
}

impl Held {
    /// Whether there is room for one more beside these. The first has it, however large it is.
    fn has_room(self, bytes: usize, (calls_max, bytes_max): (usize, usize)) -> bool {
        self.calls < calls_max && (self.calls == 0 || self.bytes + bytes <= bytes_max)
    }

    fn add(&mut self, bytes: usize) {
        self.calls += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: usize) {
        self.calls -= 1;
        self.bytes -= bytes;
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Teams and their numbers of events.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (TeamId, usize)> {
        self.waiting.iter().map(|waiting| (waiting.publish.team, waiting.publish.events()))
    }

    /// Takes one more.
    ///
    /// # Errors
    /// `QueueFull` if there is no room, for anybody or for this team.
    pub(super) fn push(&mut self, waiting: Waiting) -> Result<(), StoreError> {
        let bytes = waiting.publish.bytes();
        let of_team = self.of_team.get(&waiting.publish.team).copied().unwrap_or_default();
        if !(self.all.has_room(bytes, OF_ALL) && of_team.has_room(bytes, OF_A_TEAM)) {
            return Err(StoreError::QueueFull);
        }
        self.count(&waiting);
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// What had left goes first again, whatever room there is.
    pub(super) fn put_back(&mut self, waiting: Waiting) {
        self.count(&waiting);
        self.waiting.push_front(waiting);
    }

    /// Takes out those that `takes`, each asked in its order.
    pub(super) fn take(&mut self, mut takes: impl FnMut(&Waiting) -> bool) -> Vec<Waiting> {
        let (mut taken, mut rest) = (Vec::new(), VecDeque::with_capacity(self.waiting.len()));
        for waiting in self.waiting.drain(..) {
            if takes(&waiting) { taken.push(waiting) } else { rest.push_back(waiting) }
        }
        self.waiting = rest;
        for Waiting { publish, .. } in &taken {
            self.all.remove(publish.bytes());
            let Some(of_team) = self.of_team.get_mut(&publish.team) else { continue };
            of_team.remove(publish.bytes());
            if of_team.calls == 0 {
                self.of_team.remove(&publish.team);
            }
        }
        taken
    }

    fn count(&mut self, Waiting { publish, .. }: &Waiting) {
        self.all.add(publish.bytes());
        self.of_team.entry(publish.team).or_default().add(publish.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(calls: usize, bytes: usize) -> Held {
        Held { calls, bytes }
    }

    #[test]
    fn what_waits_is_bounded_in_calls_and_bytes() {
        assert!(held(CALLS - 1, 0).has_room(1, OF_ALL) && !held(CALLS, 0).has_room(1, OF_ALL));
        assert!(held(1, BYTES - 1).has_room(1, OF_ALL) && !held(1, BYTES).has_room(1, OF_ALL));
        assert!(held(0, 0).has_room(BYTES + 1, OF_ALL), "one that is larger than all goes alone");
    }

    /// DLV-4: a team whose row somebody holds leaves room to the others, however much it publishes.
    #[test]
    fn one_team_leaves_room_to_others() {
        let (mut all, mut of_team) = (Held::default(), Held::default());
        while all.has_room(1, OF_ALL) && of_team.has_room(1, OF_A_TEAM) {
            all.add(1);
            of_team.add(1);
        }
        assert_eq!(all.calls, CALLS / 4 * 3);
        assert!(all.has_room(1, OF_ALL) && Held::default().has_room(1, OF_A_TEAM), "another team's is taken");
        let large = held(1, BYTES / 4 * 3);
        assert!(!large.has_room(1, OF_A_TEAM) && large.has_room(1, OF_ALL));
    }
}
