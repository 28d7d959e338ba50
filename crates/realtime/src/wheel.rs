//! When each stream says that it lives.

use std::sync::Arc;

use slab::Slab;

use crate::seat::Seat;

/// The seats by the phase of their heartbeat: one turn of the wheel is the time between two heartbeats, so a seat stays
/// where it is, and there is no timer for a connection.
#[derive(Debug)]
pub(crate) struct Wheel {
    spokes: Box<[Slab<Arc<Seat>>]>,
    at: usize,
    /// Seats that were ever taken in.
    taken: u64,
}

/// The golden ratio's part behind the point, of 2⁶⁴: its multiples lie evenly in a turn, however many they are.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seat's place on the wheel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoke {
    phase: usize,
    key: usize,
}

impl Wheel {
    /// A wheel that turns once in so many ticks.
    pub(crate) fn new(ticks: usize) -> Self {
        Self { spokes: (0..ticks.max(1)).map(|_| Slab::new()).collect(), at: 0, taken: 0 }
    }

    /// Takes a seat in. Phases are spread evenly, by no chance, so that a history plays the same twice.
    pub(crate) fn insert(&mut self, seat: Arc<Seat>) -> Spoke {
        self.taken += 1;
        let part = u128::from(self.taken.wrapping_mul(GOLDEN));
        let phase = ((part * self.spokes.len() as u128) >> u64::BITS) as usize;
        Spoke { phase, key: self.spokes[phase].insert(seat) }
    }

    /// Lets a seat go.
    pub(crate) fn remove(&mut self, spoke: Spoke) {
        self.spokes[spoke.phase].try_remove(spoke.key);
    }

    /// One tick on: the seats whose heartbeat is due.
    pub(crate) fn turn(&mut self) -> impl Iterator<Item = &Arc<Seat>> {
        self.at = (self.at + 1) % self.spokes.len();
        self.spokes[self.at].iter().map(|(_, seat)| seat)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cstar_types::Timestamp;

    use super::*;
    use crate::given::filter;
    use crate::seat::Guest;
    use cstar_types::StreamId;

    fn seat(number: u128) -> Arc<Seat> {
        let (id, opened_at) = (StreamId::from_bits(number), Timestamp::default());
        Arc::new(Seat::new(
            Guest {
                id,
                key: None,
                token: None,
                filter: filter(None),
                expires_at: None,
                opened_at,
                hang_up: None,
            },
            0,
        ))
    }

    #[test]
    fn each_comes_round_once_a_turn() {
        let mut wheel = Wheel::new(60);
        let spokes: Vec<Spoke> = (0..200).map(|number| wheel.insert(seat(number))).collect();
        assert!(wheel.spokes.iter().all(|spoke| (2..=5).contains(&spoke.len())), "they are spread");
        wheel.remove(spokes[5]);
        let mut came: BTreeMap<StreamId, Vec<usize>> = BTreeMap::new();
        for tick in 0..180 {
            wheel.turn().for_each(|seat| came.entry(seat.id).or_default().push(tick));
        }
        assert_eq!(came.len(), 199);
        assert!(!came.contains_key(&StreamId::from_bits(5)));
        assert!(
            came.values()
                .all(|ticks| ticks.len() == 3 && ticks[1] - ticks[0] == 60 && ticks[2] - ticks[1] == 60)
        );
    }
}
