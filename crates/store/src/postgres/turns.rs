//! Turns: within a node, one transaction at a time appends to a team's log or changes its webhooks.
//!
//! The row of the team is locked by the database anyway. Waiting for it here holds no connection, and what was committed is told
//! before the turn is given on: so a node tells its own commits of a team in their order.

use std::collections::HashMap;
use std::sync::Arc;

use cstar_types::TeamId;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

/// The turnstiles of the teams that somebody is at.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<TeamId, Arc<Turnstile<()>>>>);

/// Held for as long as it is somebody's turn.
#[derive(Debug)]
pub(super) struct Turn {
    team: TeamId,
    held: Option<OwnedMutexGuard<()>>,
    turns: Arc<Turns>,
}

impl Turns {
    fn at(&self, team: TeamId) -> Arc<Turnstile<()>> {
        Arc::clone(self.0.lock().entry(team).or_default())
    }

    /// The turns of these teams, in the order in which everybody takes them: no two wait for each other.
    pub(super) async fn take(self: &Arc<Self>, teams: &[TeamId]) -> Vec<Turn> {
        let mut teams = teams.to_vec();
        teams.sort_by_key(|team| order(*team));
        teams.dedup();
        let mut taken = Vec::with_capacity(teams.len());
        for team in teams {
            let held = self.at(team).lock_owned().await;
            taken.push(Turn { team, held: Some(held), turns: Arc::clone(self) });
        }
        taken
    }

    /// The turns of those of these teams that nobody has.
    pub(super) fn take_free(self: &Arc<Self>, teams: &[TeamId]) -> Vec<Turn> {
        teams.iter().filter_map(|team| self.try_take(*team)).collect()
    }

    /// The turn of this team, if nobody has it.
    pub(super) fn try_take(self: &Arc<Self>, team: TeamId) -> Option<Turn> {
        let held = self.at(team).try_lock_owned().ok()?;
        Some(Turn { team, held: Some(held), turns: Arc::clone(self) })
    }
}

/// The operator comes last: what happens to a team is noticed after it.
fn order(team: TeamId) -> (bool, TeamId) {
    (team == TeamId::OPERATOR, team)
}

impl Turn {
    /// Whose it is.
    pub(super) fn team(&self) -> TeamId {
        self.team
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.turns.0.lock();
        self.held = None;
        // Whoever waits holds the turnstile too.
        if turns.get(&self.team).is_some_and(|turnstile| Arc::strong_count(turnstile) == 1) {
            turns.remove(&self.team);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn team(bits: u128) -> TeamId {
        TeamId::from_uuid(Uuid::from_u128(bits))
    }

    /// LOG-2: nobody else has the turn of a team meanwhile, and what nobody is at is forgotten.
    #[tokio::test]
    async fn a_turn_is_one_at_a_time() {
        let turns = Arc::new(Turns::default());
        let taken = turns.take(&[team(2), TeamId::OPERATOR, team(1), team(2)]).await;
        assert_eq!(
            taken.iter().map(|turn| turn.team).collect::<Vec<_>>(),
            [team(1), team(2), TeamId::OPERATOR]
        );
        assert!(turns.try_take(team(1)).is_none());
        assert!(turns.try_take(team(3)).is_some());
        drop(taken);
        assert!(turns.0.lock().is_empty());
        assert!(turns.try_take(team(1)).is_some());
    }
}
