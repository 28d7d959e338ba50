//! Publishes that wait for a group, within bounds: a burst is taken, a stall is told, and teams that are locked do not have all of it.

use std::collections::{HashMap, HashSet, VecDeque};

use cstar_types::TeamId;

use super::Waiting;
use crate::StoreError;

/// Publishes that may wait: several groups' worth.
const CALLS: usize = 4096;
/// And what they may hold: the bound on memory while the database stalls.
const BYTES: usize = 64 << 20;
/// Teams that wait for rows which somebody has locked leave this part of both to others, however many they are: one of so many.
const LEFT_TO_OTHERS: usize = 4;

const OF_ALL: (usize, usize) = (CALLS, BYTES);
const OF_LOCKED: (usize, usize) = (CALLS - CALLS / LEFT_TO_OTHERS, BYTES - BYTES / LEFT_TO_OTHERS);

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
    /// `QueueFull` if there is no room, for anybody or, as its team is locked, for those that are.
    pub(super) fn push(&mut self, waiting: Waiting, locked: &HashSet<TeamId>) -> Result<(), StoreError> {
        let bytes = waiting.publish.bytes();
        let is_locked = locked.contains(&waiting.publish.team);
        let has_room = !is_locked || self.of(locked).has_room(bytes, OF_LOCKED);
        if !(has_room && self.all.has_room(bytes, OF_ALL)) {
            return Err(StoreError::QueueFull);
        }
        self.count(&waiting);
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// What these teams hold together.
    fn of(&self, teams: &HashSet<TeamId>) -> Held {
        let each = teams.iter().filter_map(|team| self.of_team.get(team));
        each.fold(Held::default(), |sum, held| Held {
            calls: sum.calls + held.calls,
            bytes: sum.bytes + held.bytes,
        })
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
    use cstar_types::Timestamp;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::postgres::append::Publish;
    use crate::{Append, FanOut};

    fn held(calls: usize, bytes: usize) -> Held {
        Held { calls, bytes }
    }

    #[test]
    fn what_waits_is_bounded_in_calls_and_bytes() {
        assert!(held(CALLS - 1, 0).has_room(1, OF_ALL) && !held(CALLS, 0).has_room(1, OF_ALL));
        assert!(held(1, BYTES - 1).has_room(1, OF_ALL) && !held(1, BYTES).has_room(1, OF_ALL));
        assert!(held(0, 0).has_room(BYTES + 1, OF_ALL), "one that is larger than all goes alone");
    }

    /// DLV-4: teams whose rows somebody holds leave room to the others, however many they are and however much they publish.
    #[test]
    fn locked_teams_leave_room_to_others() {
        let team = |bits| TeamId::from_uuid(Uuid::from_u128(bits));
        let waiting = |team| {
            let (events, fan_out, now) = (Vec::new(), FanOut::Matching, Timestamp::default());
            let publish = Publish::prepare(Append { team, events, fan_out, now });
            Waiting { publish, answer: oneshot::channel().0 }
        };
        let (mut queue, locked) = (Queue::default(), HashSet::from([team(1), team(2)]));
        for of in [team(1), team(2)].into_iter().cycle() {
            if queue.push(waiting(of), &locked).is_err() {
                break;
            }
        }
        assert_eq!(queue.len(), CALLS / 4 * 3);
        for _ in 0..CALLS / 4 {
            queue.push(waiting(team(3)), &locked).expect("there is room for others");
        }
        assert!(queue.push(waiting(team(3)), &locked).is_err(), "as much as all may have");
        assert_eq!(queue.take(|waiting| waiting.publish.team == team(1)).len(), CALLS / 8 * 3);
        assert!(queue.push(waiting(team(2)), &locked).is_ok());
        let large = held(1, BYTES / 4 * 3);
        assert!(!large.has_room(1, OF_LOCKED) && large.has_room(1, OF_ALL));
    }
}
