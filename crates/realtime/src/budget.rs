//! Who gives memory back.

use std::collections::{BTreeSet, HashMap};

use cstar_types::TeamId;

/// How the rings of all teams share one budget.
///
/// Over it, the largest ring gives frames up: a team that publishes much shortens its own ring before it
/// touches a quiet team's.
#[derive(Debug)]
pub(crate) struct Budget {
    max_bytes: usize,
    held_bytes: usize,
    by_team: HashMap<TeamId, usize>,
    by_size: BTreeSet<(usize, TeamId)>,
}

impl Budget {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, held_bytes: 0, by_team: HashMap::new(), by_size: BTreeSet::new() }
    }

    /// Notes that a team's ring holds so much now; 0 where it is gone.
    pub(crate) fn set(&mut self, team: TeamId, bytes: usize) {
        let before = if bytes == 0 { self.by_team.remove(&team) } else { self.by_team.insert(team, bytes) };
        if let Some(before) = before {
            self.by_size.remove(&(before, team));
            self.held_bytes -= before;
        }
        if bytes > 0 {
            self.by_size.insert((bytes, team));
            self.held_bytes += bytes;
        }
    }

    /// Who must give something up now.
    pub(crate) fn over(&self) -> Option<TeamId> {
        let largest = self.by_size.last().filter(|_| self.held_bytes > self.max_bytes)?;
        Some(largest.1)
    }

    /// What all rings hold together, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn team(number: u128) -> TeamId {
        TeamId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn the_largest_gives_up_first() {
        let mut budget = Budget::new(100);
        budget.set(team(1), 40);
        budget.set(team(2), 60);
        assert_eq!(budget.over(), None);
        budget.set(team(1), 50);
        assert_eq!(budget.over(), Some(team(2)));
        budget.set(team(2), 0);
        assert_eq!((budget.over(), budget.held_bytes()), (None, 50));
    }

    proptest! {
        /// C7: giving up until nobody must keeps all rings within the budget, whatever came before.
        #[test]
        fn it_holds(sizes in prop::collection::vec((0u128..5, 0usize..100), 0..60)) {
            let mut budget = Budget::new(150);
            let mut held = HashMap::new();
            for (number, bytes) in sizes {
                budget.set(team(number), bytes);
                held.insert(team(number), bytes);
                while let Some(largest) = budget.over() {
                    prop_assert!(held.values().all(|bytes| *bytes <= held[&largest]));
                    let less = held[&largest].saturating_sub(10);
                    budget.set(largest, less);
                    held.insert(largest, less);
                }
                prop_assert_eq!(budget.held_bytes(), held.values().sum::<usize>());
                prop_assert!(budget.held_bytes() <= 150);
            }
        }
    }
}
