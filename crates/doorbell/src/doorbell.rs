//! What this node has to tell, and what it wants to hear.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cstar_types::TeamId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::News;

/// Teams of which news wait for the line. While there is none, what is beyond is not told: others look by themselves.
const TEAMS_MAX: usize = 10_000;

/// One node's doorbell. Clones are of the same one; no call of it waits. [`crate::run`] does the telling and the hearing.
#[derive(Debug, Clone, Default)]
pub struct Doorbell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something is to be told, or another team is to be attended.
    to_do: Notify,
}

#[derive(Debug, Default)]
struct State {
    reached: BTreeMap<TeamId, u64>,
    changed: bool,
    due: bool,
    wanted: BTreeSet<TeamId>,
    /// Teams of which the line was not told yet whether they are wanted.
    untold: BTreeSet<TeamId>,
}

/// What the line has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ToDo {
    /// Teams, each with whether it is to be attended.
    pub(crate) interest: Vec<(TeamId, bool)>,
    pub(crate) news: Vec<News>,
}

impl Doorbell {
    /// A doorbell that nobody hears yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the other nodes, after the commit. What is told of one team before it has left goes as one.
    pub fn ring(&self, news: News) {
        let mut state = self.0.state.lock();
        match news {
            News::Changed => state.changed = true,
            News::Due => state.due = true,
            News::Reached { team, seq } => {
                if state.reached.len() < TEAMS_MAX || state.reached.contains_key(&team) {
                    let reached = state.reached.entry(team).or_default();
                    *reached = seq.max(*reached);
                }
            }
        }
        drop(state);
        self.0.to_do.notify_one();
    }

    /// Whether this node wants to hear how far the team's log has come.
    pub fn attend(&self, team: TeamId, wanted: bool) {
        let mut state = self.0.state.lock();
        if wanted {
            state.wanted.insert(team)
        } else {
            state.wanted.remove(&team)
        };
        state.untold.insert(team);
        drop(state);
        self.0.to_do.notify_one();
    }

    /// There is a new line, which was told nothing yet.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.0.state.lock();
        state.untold = state.wanted.clone();
        drop(state);
        self.0.to_do.notify_one();
    }

    /// All that the line has to do now: what is rung meanwhile waits behind it. Waits until there is something; safe to drop.
    pub(crate) async fn to_do(&self) -> ToDo {
        loop {
            if let Some(to_do) = self.0.state.lock().take() {
                return to_do;
            }
            self.0.to_do.notified().await; // keeps a permit if it was rung in between: there is one waiter
        }
    }
}

impl State {
    fn take(&mut self) -> Option<ToDo> {
        let untold = std::mem::take(&mut self.untold);
        let interest = untold.into_iter().map(|team| (team, self.wanted.contains(&team))).collect();
        let changed = std::mem::take(&mut self.changed).then_some(News::Changed);
        let due = std::mem::take(&mut self.due).then_some(News::Due);
        let reached = std::mem::take(&mut self.reached).into_iter();
        let news = changed
            .into_iter()
            .chain(due)
            .chain(reached.map(|(team, seq)| News::Reached { team, seq }))
            .collect();
        Some(ToDo { interest, news }).filter(|to_do| *to_do != ToDo::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(number: u128) -> TeamId {
        TeamId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn reached(number: u128, seq: u64) -> News {
        News::Reached { team: team(number), seq }
    }

    #[tokio::test]
    async fn what_waits_grows_with_the_teams_alone() {
        let doorbell = Doorbell::new();
        for seq in [3, 1, 2] {
            doorbell.ring(reached(1, seq));
            doorbell.ring(reached(2, seq));
            doorbell.ring(News::Changed);
            doorbell.ring(News::Due);
        }
        assert_eq!(doorbell.to_do().await.news, [News::Changed, News::Due, reached(1, 3), reached(2, 3)]);
    }

    #[tokio::test]
    async fn a_new_line_is_told_of_every_team() {
        let doorbell = Doorbell::new();
        doorbell.attend(team(1), true);
        doorbell.attend(team(2), true);
        doorbell.attend(team(2), false);
        assert_eq!(doorbell.to_do().await.interest, [(team(1), true), (team(2), false)]);
        doorbell.begin_anew();
        assert_eq!(doorbell.to_do().await.interest, [(team(1), true)]);
    }
}
