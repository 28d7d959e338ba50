//! From publishes that wait to groups under way.
//!
//! ```text
//! append ──▶ waiting ──▶ group of the teams whose turn it can have ──▶ one transaction ──▶ answers
//!               ▲                                                            │
//!               └───────────────── the next group, once it has ended ◀───────┘
//! ```
//! While a group is under way, what comes gathers for the next one: the more is published, the larger they are. A team with much
//! waiting has a group of its own; and a group passes over a team that another node has locked, which then waits for itself: so
//! a team that many nodes publish to holds up no other.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use cstar_types::TeamId;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::append::{Publish, Rows, Stored, keys_of};
use super::fault::Fault;
use super::head::{Head, HeadParams, SAVE};
use super::store::Open;
use super::turns::Turn;
use super::tx::{Tries, Tx, Writing};
use crate::{Appended, StoreError};

/// Publishes that may wait: several groups' worth, so that a burst is taken and a stall is told.
const WAITING_CALLS: usize = 4096;
/// And what they may hold: the bound on memory while the database stalls.
const WAITING_BYTES: usize = 64 << 20;
/// Groups at the same time. While one waits for its commit, others are read and written.
const GROUPS: usize = 4;
/// Events of one group, and their bytes: a few milliseconds of the database's time.
const GROUP_EVENTS: usize = 2_000;
const GROUP_BYTES: usize = 8 << 20;
/// A team with so many events waiting is hot.
const HOT_EVENTS: usize = 200;

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
    waiting: VecDeque<Waiting>,
    bytes: usize,
    groups: usize,
    closed: bool,
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
        let bytes = state.bytes + publish.bytes();
        if state.waiting.len() >= WAITING_CALLS || (bytes > WAITING_BYTES && !state.waiting.is_empty()) {
            return Err(StoreError::QueueFull);
        }
        state.bytes = bytes;
        state.waiting.push_back(Waiting { publish, answer });
        Ok(answered)
    }

    /// Takes nothing new.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.0.lock();
        state.waiting.is_empty() && state.groups == 0
    }
}

impl State {
    /// The next group, of teams whose turn can be had; `None` if there is none.
    fn group(&mut self, open: &Open) -> Option<(Vec<Waiting>, Vec<Turn>)> {
        if self.groups == GROUPS || self.waiting.is_empty() {
            return None;
        }
        let mut events_of = HashMap::<TeamId, usize>::new();
        for waiting in &self.waiting {
            *events_of.entry(waiting.publish.team).or_default() += waiting.publish.events();
        }
        let is_hot = |team: &TeamId| events_of[team] >= HOT_EVENTS;
        let (mut group, mut turns) = (Vec::new(), Vec::new());
        let (mut ours, mut others) = (HashSet::new(), HashSet::new());
        let (mut events, mut bytes) = (0, 0);
        let mut rest = VecDeque::with_capacity(self.waiting.len());
        for waiting in self.waiting.drain(..) {
            let team = waiting.publish.team;
            let (more, heavier) = (events + waiting.publish.events(), bytes + waiting.publish.bytes());
            let fits = group.is_empty() || (more <= GROUP_EVENTS && heavier <= GROUP_BYTES);
            let mixes =
                ours.is_empty() || ours.contains(&team) || !(is_hot(&team) || ours.iter().any(is_hot));
            let is_ours = fits
                && mixes
                && !others.contains(&team)
                && (ours.contains(&team) || {
                    let turn = open.turns.try_take(team);
                    let taken = turn.is_some();
                    turns.extend(turn);
                    taken
                });
            if is_ours {
                (events, bytes) = (more, heavier);
                ours.insert(team);
                group.push(waiting);
            } else {
                // What a team publishes later must not overtake this.
                others.insert(team);
                rest.push_back(waiting);
            }
        }
        self.waiting = rest;
        self.bytes -= group.iter().map(|waiting| waiting.publish.bytes()).sum::<usize>();
        if group.is_empty() {
            return None;
        }
        self.groups += 1;
        Some((group, turns))
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
            let Some((group, turns)) = self.publisher.0.lock().group(self) else { return };
            let open = Arc::clone(self);
            tokio::spawn(async move {
                let _ended = Ended(Arc::clone(&open));
                commit_all(&open, group, &Arc::new(turns)).await;
            });
        }
    }
}

/// A group that is over makes room for the next, however it ended.
struct Ended(Arc<Open>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.publisher.0.lock().groups -= 1;
        self.0.begin_groups();
        self.0.group_ended.notify_waiters();
    }
}

/// Commits a group, and what of it had no room, or teams that another node had locked, each of which waits for itself.
async fn commit_all(open: &Arc<Open>, group: Vec<Waiting>, turns: &Arc<Vec<Turn>>) {
    let mut rest = commit(open, group, turns).await;
    while !rest.is_empty() {
        let mut by_team = BTreeMap::<TeamId, Vec<Waiting>>::new();
        for waiting in rest {
            by_team.entry(waiting.publish.team).or_default().push(waiting);
        }
        let each = by_team.into_values().map(|group| commit(open, group, turns));
        rest = join_all(each).await.into_iter().flatten().collect();
    }
}

/// Commits a group and answers it; answers what is left to do.
async fn commit(open: &Arc<Open>, group: Vec<Waiting>, turns: &Arc<Vec<Turn>>) -> Vec<Waiting> {
    let mut tries = Tries::default();
    loop {
        match try_commit(open, &group, turns).await {
            Ok(outcomes) => {
                let mut rest = Vec::new();
                for (waiting, outcome) in group.into_iter().zip(outcomes) {
                    match outcome {
                        Outcome::Done(answer) => drop(waiting.answer.send(answer)),
                        Outcome::Later => rest.push(waiting),
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
                    Box::pin(commit(open, vec![waiting], turns)).await;
                }
                return Vec::new();
            }
            Err(fault) => {
                let refused = StoreError::from(fault);
                for waiting in group {
                    let _ = waiting.answer.send(Err(refused.clone()));
                }
                return Vec::new();
            }
        }
    }
}

/// What became of a publish of a group.
enum Outcome {
    Done(Result<Vec<Appended>, StoreError>),
    /// There was no room, or its team was locked.
    Later,
}

async fn try_commit(
    open: &Arc<Open>,
    group: &[Waiting],
    turns: &Arc<Vec<Turn>>,
) -> Result<Vec<Outcome>, Fault> {
    let mut tx = Tx::lend(open, None, Arc::clone(turns)).await?;
    let mut rows = Rows::default();
    match apply(&mut tx, group, &mut rows).await {
        Ok((outcomes, heads)) => {
            let (params, keeper) = (HeadParams::of(heads.values()), open.keeper());
            let mut writing = Writing::default();
            // Repeats and refusals write nothing.
            if tx.effects.events > 0 {
                rows.write(&keeper, &mut writing);
                writing.add(SAVE, params.as_params());
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
) -> Result<(Vec<Outcome>, HashMap<TeamId, Head>), Fault> {
    let publishes = || group.iter().map(|waiting| &waiting.publish);
    let mut teams: Vec<TeamId> = publishes().map(|publish| publish.team).collect();
    teams.sort_unstable();
    teams.dedup();
    let keys = keys_of(publishes());
    let (begun, heads, stored) = tokio::join!(tx.start(), tx.lock_some(&teams), tx.stored(keys));
    begun?;
    let (mut heads, mut stored): (_, Stored) = (heads?, stored?);
    let is_alone = teams.len() == 1;
    let mut outcomes = Vec::with_capacity(group.len());
    let mut full = false;
    for publish in publishes() {
        let Some(head) = heads.get_mut(&publish.team) else {
            // Locked by another node, or not there: alone it waits and finds out.
            outcomes.push(if is_alone { Outcome::Done(Err(StoreError::NotFound)) } else { Outcome::Later });
            continue;
        };
        if full {
            outcomes.push(Outcome::Later);
            continue;
        }
        outcomes.push(match publish.apply(tx, head, &mut stored, rows).await {
            Ok(appended) => Outcome::Done(Ok(appended)),
            Err(Fault::Refused(why)) => Outcome::Done(Err(why)),
            Err(Fault::NoRoom) => {
                full = true;
                Outcome::Later
            }
            Err(fault) => return Err(fault),
        });
    }
    Ok((outcomes, heads))
}
