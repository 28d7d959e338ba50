//! From publishes that wait to groups under way.
//!
//! ```text
//! append ──▶ waiting ──▶ group of the teams whose turn it can have ──▶ one transaction ──▶ answers
//!               ▲                                                            │
//!               └───────────────── the next group, once it has ended ◀───────┘
//! ```
//! While a group is under way, what comes gathers for the next one: the more is published, the larger they are. A group of several
//! teams passes over one that somebody else has locked. That goes first again, in a group of its own which waits for its row; and of
//! all groups but one may wait, so that teams that are locked, however many, hold up no other.

mod gathering;
mod queue;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cstar_types::TeamId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::gathering::Gathering;
use self::queue::Queue;
use super::append::{Publish, Rows, Stored, keys_of};
use super::fault::Fault;
use super::head::{Head, HeadParams};
use super::locks::Locked;
use super::store::Open;
use super::turns::{Turn, Turns};
use super::tx::{Tries, Tx, Writing};
use crate::{Appended, StoreError};

/// Groups at the same time. While one waits for its commit, others are read and written.
const GROUPS: usize = 4;
/// Those of them that may wait for a row which somebody has locked.
const PATIENT: usize = GROUPS - 1;

type Answer = oneshot::Sender<Result<Vec<Appended>, StoreError>>;

/// A publish that waits for its group.
struct Waiting {
    publish: Publish,
    answer: Answer,
}

/// What waits, and how many groups are under way.
#[derive(Default)]
pub(super) struct Publisher(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Queue,
    groups: usize,
    /// Those of them that may wait for a row.
    patient: usize,
    /// Teams that wait and were found locked.
    locked: HashSet<TeamId>,
    closed: bool,
}

/// Publishes of one transaction, with the turns of their teams.
#[derive(Default)]
struct Group {
    publishes: Vec<Waiting>,
    turns: Vec<Turn>,
    /// For the row of its team, if somebody has locked it.
    waits: bool,
}

/// A publish that its group did not store.
struct Left {
    waiting: Waiting,
    is_locked: bool,
}

impl Publisher {
    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.lock().waiting.len()
    }

    fn push(
        &self,
        publish: Publish,
    ) -> Result<oneshot::Receiver<Result<Vec<Appended>, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.0.lock();
        if state.closed {
            return Err(StoreError::ShuttingDown);
        }
        let State { waiting, locked, .. } = &mut *state;
        waiting.push(Waiting { publish, answer }, locked)?;
        Ok(answered)
    }

    /// Takes nothing new.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.0.lock();
        state.waiting.len() == 0 && state.groups == 0
    }
}

impl State {
    /// The next group, of teams whose turn it can have; `None` if there is none.
    fn group(&mut self, turns: &Arc<Turns>) -> Option<Group> {
        if self.groups == GROUPS || self.waiting.len() == 0 {
            return None;
        }
        let mut gathering = Gathering::new(self.waiting.sizes(), &self.locked, self.patient < PATIENT);
        let mut group = Group::default();
        group.publishes = self.waiting.take(|Waiting { publish, .. }| {
            gathering.takes(publish.team, publish.events(), publish.bytes(), || {
                let turn = turns.try_take(publish.team);
                let taken = turn.is_some();
                group.turns.extend(turn);
                taken
            })
        });
        group.waits = gathering.may_wait();
        if group.publishes.is_empty() {
            return None;
        }
        self.groups += 1;
        self.patient += usize::from(group.waits);
        Some(group)
    }

    /// What is left of a group goes first again: its teams' turns are still held.
    fn put_back(&mut self, rest: Vec<Left>) {
        for Left { waiting, is_locked } in rest.into_iter().rev() {
            if is_locked {
                self.locked.insert(waiting.publish.team);
            }
            self.waiting.put_back(waiting);
        }
    }
}

impl Open {
    /// Appends with the next group.
    pub(super) async fn publish(self: &Arc<Self>, publish: Publish) -> Result<Vec<Appended>, StoreError> {
        let answered = self.publisher.push(publish)?;
        self.begin_groups();
        answered.await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }

    /// Begins as many groups as can be.
    pub(super) fn begin_groups(self: &Arc<Self>) {
        // Without a runtime nobody waits for an answer any more.
        while tokio::runtime::Handle::try_current().is_ok() {
            let Some(group) = self.publisher.0.lock().group(&self.turns) else { return };
            let ended = Ended {
                open: Arc::clone(self),
                waited_for: group.publishes.first().filter(|_| group.waits).map(|first| first.publish.team),
            };
            let open = Arc::clone(self);
            self.connections.manager().runtime().spawn(async move {
                let _ended = ended;
                let Group { publishes, turns, waits } = group;
                let turns = Arc::new(turns);
                let locked = if waits { Locked::WaitFor } else { Locked::PassOver };
                let rest = commit(&open, publishes, &turns, locked).await;
                open.publisher.0.lock().put_back(rest);
            });
        }
    }
}

/// A group that is over makes room for the next, however it ended.
struct Ended {
    open: Arc<Open>,
    waited_for: Option<TeamId>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        {
            let mut state = self.open.publisher.0.lock();
            state.groups -= 1;
            if let Some(team) = self.waited_for {
                state.patient -= 1;
                state.locked.remove(&team);
            }
        }
        self.open.begin_groups();
        self.open.group_ended.notify_waiters();
    }
}

/// Commits a group and answers it; answers what is left to do. It waits for a row that somebody has locked, or passes over it.
async fn commit(open: &Arc<Open>, group: Vec<Waiting>, turns: &Arc<Vec<Turn>>, locked: Locked) -> Vec<Left> {
    let mut tries = Tries::default();
    let mut rest = Vec::new();
    loop {
        match try_commit(open, &group, turns, locked).await {
            Ok(outcomes) => {
                for (waiting, outcome) in group.into_iter().zip(outcomes) {
                    match outcome {
                        Outcome::Done(answer) => drop(waiting.answer.send(answer)),
                        Outcome::NoRoom => rest.push(Left { waiting, is_locked: false }),
                        Outcome::Locked => rest.push(Left { waiting, is_locked: true }),
                    }
                }
                return rest;
            }
            Err(fault) if tries.again(open, &fault).await => {}
            // One of them cannot be stored, and must not take the others with it.
            Err(
                fault @ (Fault::Refused(StoreError::Conflict(_)) | Fault::Damaged(_) | Fault::Postgres(_)),
            ) if group.len() > 1 => {
                tracing::warn!(?fault, "a group was rolled back; each of it is stored alone");
                for waiting in group {
                    rest.extend(Box::pin(commit(open, vec![waiting], turns, locked)).await);
                }
                return rest;
            }
            Err(fault) => {
                let refused = StoreError::from(fault);
                for waiting in group {
                    let _ = waiting.answer.send(Err(refused.clone()));
                }
                return rest;
            }
        }
    }
}

/// What became of a publish of a group.
enum Outcome {
    Done(Result<Vec<Appended>, StoreError>),
    /// There was no room.
    NoRoom,
    /// Somebody else has locked its team, or it is not there: who waits for its row finds out.
    Locked,
}

async fn try_commit(
    open: &Arc<Open>,
    group: &[Waiting],
    turns: &Arc<Vec<Turn>>,
    locked: Locked,
) -> Result<Vec<Outcome>, Fault> {
    let mut tx = Tx::lend(open, None, Arc::clone(turns)).await?;
    let mut rows = Rows::default();
    match apply(&mut tx, group, &mut rows, locked).await {
        Ok((outcomes, heads)) => {
            let (params, keeper) = (HeadParams::of(heads.values()), open.keeper());
            let mut writing = Writing::default();
            // Repeats and refusals write nothing.
            if tx.effects.events > 0 {
                rows.write(&keeper, &mut writing);
                params.write(&mut writing);
            }
            tx.finish_with(&writing, outcomes).await
        }
        Err(fault) => tx.finish(Err(fault)).await,
    }
}

async fn apply(
    tx: &mut Tx,
    group: &[Waiting],
    rows: &mut Rows,
    locked: Locked,
) -> Result<(Vec<Outcome>, HashMap<TeamId, Head>), Fault> {
    let publishes = || group.iter().map(|waiting| &waiting.publish);
    let mut teams: Vec<TeamId> = publishes().map(|publish| publish.team).collect();
    teams.sort_unstable();
    teams.dedup();
    let keys = keys_of(publishes());
    let (begun, heads, stored) =
        tokio::join!(biased; tx.start(), tx.lock_teams(&teams, locked), tx.stored(keys));
    begun?;
    let (mut heads, mut stored): (_, Stored) = (heads?, stored?);
    let mut outcomes = Vec::with_capacity(group.len());
    let mut full = false;
    for publish in publishes() {
        let Some(head) = heads.get_mut(&publish.team) else {
            outcomes.push(match locked {
                Locked::WaitFor => Outcome::Done(Err(StoreError::NotFound)),
                Locked::PassOver => Outcome::Locked,
            });
            continue;
        };
        if full {
            outcomes.push(Outcome::NoRoom);
            continue;
        }
        outcomes.push(match publish.apply(tx, head, &mut stored, rows).await {
            Ok(appended) => Outcome::Done(Ok(appended)),
            Err(Fault::Refused(why)) => Outcome::Done(Err(why)),
            Err(Fault::NoRoom) => {
                full = true;
                Outcome::NoRoom
            }
            Err(fault) => return Err(fault),
        });
    }
    Ok((outcomes, heads))
}
