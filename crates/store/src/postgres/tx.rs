//! One transaction: what it does, and what follows once it is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cstar_types::{Author, KeyId, TeamId, WebhookId};
use tokio::time::timeout;
use tokio_postgres::Row;

use super::fault::Fault;
use super::head::Head;
use super::locks::Locked;
use super::pool::{Lent, Link, Param};
use super::store::Open;
use super::turns::Turn;
use crate::stored::known_types::TypeChange;
use crate::{Change, Due, StoreError};

/// Longer than a statement may take: who has not answered by then is not there, whatever its kernel acknowledges.
const ANSWER: Duration = Duration::from_secs(35);
/// As long as it waits for a row (`lock_timeout`).
const LOCK: Duration = Duration::from_secs(5);
/// How statements are planned: by their keys. What a group touches was written a moment ago and is in memory, so a row by its key is
/// cheaper than its table read whole, also while a day's partition is small. And an index gives one row after the other, from the end
/// that is asked for: a bitmap would collect all that it holds of a key first, dead ones among them, as many as somebody's open
/// transaction keeps.
macro_rules! by_keys {
    () => {
        "; SET LOCAL random_page_cost = 1.1; SET LOCAL enable_bitmapscan = off"
    };
}

/// How a transaction begins. Settings go with it: a pooler may give the next one another session. Who has waited for a lock reads what was
/// committed by then, whatever the database's default isolation is. A statement that takes longer is
/// not one of ours; who waits longer for a row that somebody else has locked makes room for others and tries again; and a node that
/// falls asleep within a transaction loses it, so that nobody waits for what it has locked.
const BEGIN: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 5000; \
     SET LOCAL idle_in_transaction_session_timeout = 5000",
    by_keys!()
);
/// All of what it reads belongs together.
const BEGIN_SNAPSHOT: &str = concat!(
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 30000",
    by_keys!()
);
/// One statement that reads.
pub(super) const BEGIN_LOOK: &str = concat!("BEGIN READ ONLY", by_keys!());

/// One transaction. Dropped before its end, it is rolled back.
pub(super) struct Tx {
    pub(super) open: Arc<Open>,
    link: Option<Lent>,
    /// A statement failed: the database would take a commit for a roll-back and call that a success.
    failed: AtomicBool,
    pub(super) effects: Effects,
    /// For whom it is, where it is for somebody.
    pub(super) author: Option<Arc<Author>>,
    /// Teams of which it has changed webhooks.
    pub(super) changed_webhooks: Vec<TeamId>,
    /// Held until what it did is told.
    turns: Arc<Vec<Turn>>,
    /// What it does where somebody else has locked a row.
    pub(super) locked: Locked,
    /// The operator's, where it was taken later.
    operators_turn: Vec<Turn>,
}

/// Statements that are sent together, without waiting for one another.
#[derive(Default)]
pub(super) struct Writing<'p>(Vec<(&'static str, Vec<Param<'p>>)>);

impl<'p> Writing<'p> {
    pub(super) fn add(&mut self, sql: &'static str, params: impl IntoIterator<Item = Param<'p>>) {
        self.0.push((sql, params.into_iter().collect()));
    }
}

/// What follows from a transaction once it is committed, and not before (LOG-1).
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Told to the tail, in this order.
    pub(super) told: Vec<Change>,
    /// Keys whose remembered form is out of date.
    pub(super) keys: Vec<KeyId>,
    /// Teams whose keys are.
    pub(super) teams: Vec<TeamId>,
    pub(super) event_types: Vec<TypeChange>,
    /// Webhooks of which this node has left what waits to another.
    pub(super) handed_over: Vec<(WebhookId, i64)>,
    /// The operator is told of a failed delivery.
    pub(super) tells_failed: bool,
    pub(super) events: u64,
    /// How many deliveries it made.
    pub(super) deliveries: usize,
    pub(super) attempts: u64,
}

impl Tx {
    /// Begins a transaction that writes; the teams whose turns it has are those that it may append to or change webhooks of.
    pub(super) async fn begin(
        open: &Arc<Open>,
        author: Option<Arc<Author>>,
        turns: Vec<Turn>,
    ) -> Result<Self, Fault> {
        let tx = Self::lend(open, author, Arc::new(turns)).await?;
        tx.start().await?;
        Ok(tx)
    }

    /// Begins a transaction that reads, all of it as of one moment.
    pub(super) async fn snapshot(open: &Arc<Open>) -> Result<Self, Fault> {
        let tx = Self::lend(open, None, Arc::default()).await?;
        tx.script(BEGIN_SNAPSHOT).await?;
        Ok(tx)
    }

    /// A connection for a transaction, which [`Tx::start`] begins: together with its first statements.
    pub(super) async fn lend(
        open: &Arc<Open>,
        author: Option<Arc<Author>>,
        turns: Arc<Vec<Turn>>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            open: Arc::clone(open),
            link: Some(open.connections.get().await?),
            failed: AtomicBool::new(false),
            effects: Effects::default(),
            author,
            changed_webhooks: Vec::new(),
            turns,
            locked: Locked::WaitFor,
            operators_turn: Vec::new(),
        })
    }

    /// The operator's head, locked, after its turn. They come last of all that is waited for, the rows of teams among it: who has them
    /// never waits for a team that somebody has locked. The turn is waited for no longer than a row, since this has a connection, and others
    /// wait for what it has locked.
    ///
    /// # Errors
    /// `Held` where somebody has one of them and that is to be passed over.
    pub(super) async fn lock_operator(&mut self) -> Result<Head, Fault> {
        let has = self.turns.iter().chain(&self.operators_turn).any(|turn| turn.team() == TeamId::OPERATOR);
        if !has {
            let turns = &self.open.turns;
            self.operators_turn = match self.locked {
                Locked::PassOver => vec![turns.try_take(TeamId::OPERATOR).ok_or(Fault::Held)?],
                Locked::WaitFor => {
                    let turn = timeout(LOCK, turns.take(&[TeamId::OPERATOR])).await;
                    turn.map_err(|_| Fault::Refused(StoreError::QueueFull))?
                }
            };
        }
        let head = self.lock_teams(&[TeamId::OPERATOR], self.locked).await?.remove(&TeamId::OPERATOR);
        head.ok_or(Fault::Held)
    }

    /// Begins it.
    pub(super) async fn start(&self) -> Result<(), Fault> {
        self.script(BEGIN).await
    }

    /// Runs statements without parameters, in one trip.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Fault> {
        self.answer(self.link().script(sql)).await
    }

    /// The connection, for what leaves the transaction as it is.
    pub(super) fn link(&self) -> &Link {
        self.link.as_ref().expect("it is there until the end")
    }

    /// Rows of one statement.
    pub(super) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        self.answer(self.link().rows(sql, params)).await
    }

    /// The only row of one statement, if there is one.
    pub(super) async fn row(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, Fault> {
        self.answer(self.link().row(sql, params)).await
    }

    /// Runs a statement; answers how many rows it touched.
    pub(super) async fn run(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, Fault> {
        self.answer(self.link().run(sql, params)).await
    }

    /// Runs statements that do not wait for one another.
    pub(super) async fn write(&self, writing: &Writing<'_>) -> Result<(), Fault> {
        let each = writing.0.iter().map(|(sql, params)| self.run(sql, params));
        for written in futures_util::future::join_all(each).await {
            written?;
        }
        Ok(())
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let answer = timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(silent()));
        if answer.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        answer
    }

    /// Commits what was done, and tells it; or rolls back, if it came to nothing.
    pub(super) async fn finish<T>(self, done: Result<T, Fault>) -> Result<T, Fault> {
        let done = match done {
            Ok(_) if self.failed.load(Ordering::Acquire) => {
                Err(Fault::Damaged("a failed statement was passed over".to_owned()))
            }
            done => done,
        };
        match done {
            Ok(done) => self.finish_with(&Writing::default(), done).await,
            Err(fault) => self.give_up(fault).await,
        }
    }

    /// Rolls back: where nobody answers, by closing the connection.
    async fn give_up<T>(mut self, fault: Fault) -> Result<T, Fault> {
        if !matches!(fault, Fault::Away(_)) {
            let rolled_back = self.answer(self.link().script("ROLLBACK")).await;
            self.is_over(&rolled_back);
        }
        Err(fault)
    }

    /// Writes this, commits, and tells what was done; the commit is asked for together with the last rows.
    pub(super) async fn finish_with<T>(mut self, writing: &Writing<'_>, done: T) -> Result<T, Fault> {
        let said = match self.say().await {
            Ok(said) => said,
            Err(fault) => return self.give_up(fault).await,
        };
        // Whatever the runtime lets them do at once, they are sent in this order: `biased`, here and wherever it counts.
        let committing = timeout(ANSWER, self.link().commit());
        let (written, committed) = tokio::join!(biased; self.write(writing), committing);
        let committed = committed.unwrap_or(Err(Fault::Unknown));
        // Where a row was refused there is nothing that a commit could have kept.
        let ended = match written {
            // The commit was on its way with the rows: it may have come through before the connection broke.
            Err(Fault::Away(_)) => Err(Fault::Unknown),
            written => written.and(committed),
        };
        self.is_over(&ended);
        if matches!(ended, Err(Fault::Unknown)) {
            self.open.is_unknown();
        }
        ended?;
        self.open.follow(std::mem::take(&mut self.effects));
        if said && let Some(doorbell) = &self.open.doorbell {
            doorbell.changed();
        }
        Ok(done)
    }

    /// The connection can be lent again, if it is known how it stands.
    fn is_over(&mut self, ended: &Result<(), Fault>) {
        if let (Some(link), Err(_)) = (self.link.take(), ended) {
            drop(Lent::take(link));
        }
    }
}

fn silent() -> Fault {
    Fault::Away(format!("it says nothing for {ANSWER:?}"))
}

impl Drop for Tx {
    /// Where it did not come to its end nobody waits for it any more: its connection is closed, which rolls back.
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            drop(Lent::take(link));
        }
        if self.effects.tells_failed {
            // It was not kept: the next try, or the next that fails, is told at once.
            let mut failed = self.open.failed.lock();
            *failed = std::mem::take(&mut *failed).with_no_webhook();
        }
        self.turns = Arc::default();
        self.operators_turn.clear();
        self.open.begin_groups(); // some may have waited for these turns
    }
}

/// Neighbouring appends of one team are told as one change, up to so many entries: waking readers costs more than reading.
const TOLD_TOGETHER_MAX: usize = 1000;

impl Effects {
    /// Whether something is to be sent now that was not before.
    pub(super) fn makes_due(&self) -> bool {
        self.deliveries > 0 || self.told.iter().any(|change| matches!(change, Change::Reopened { .. }))
    }

    /// Entries of one team, and the deliveries that they made.
    pub(super) fn appended(
        &mut self,
        team: TeamId,
        mut new: Vec<Arc<cstar_types::Entry>>,
        mut due: Vec<Due>,
    ) {
        self.events += new.len() as u64;
        self.deliveries += due.len();
        if let Some(Change::Appended { team: last, entries, deliveries }) = self.told.last_mut()
            && *last == team
            && entries.len() + new.len() <= TOLD_TOGETHER_MAX
        {
            entries.append(&mut new);
            deliveries.append(&mut due);
            return;
        }
        self.told.push(Change::Appended { team, entries: new, deliveries: due });
    }
}

/// How often the same transaction is tried while others are in the way.
const TRIES: u32 = 5;
/// And how long it waits before the second time; twice as long before each one after that.
const PAUSE: Duration = Duration::from_millis(10);

/// The tries of one transaction.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Whether it may be tried again after this fault; waits a little first.
    pub(super) async fn again(&mut self, open: &Open, fault: &Fault) -> bool {
        self.0 += 1;
        if self.0 >= TRIES {
            return false;
        }
        match fault {
            Fault::NoDay(day) => open.make_day(*day).await.is_ok(),
            Fault::NoPartition(_) => {
                open.days.forget();
                true
            }
            fault if fault.may_pass() => {
                tracing::debug!(?fault, "rolled back; tried again");
                tokio::time::sleep(PAUSE * 2_u32.pow(self.0 - 1)).await;
                true
            }
            _ => false,
        }
    }
}

/// Changes something, in a transaction that is tried again while others are in the way, and that goes on when its caller has
/// stopped waiting: it commits and is told, or does neither. `$teams` are those whose turns it needs.
///
/// A macro, because a function could not say of the futures of a closure that borrow the transaction that they can be sent.
macro_rules! change {
    ($store:expr, $teams:expr, |$tx:ident| $work:expr) => {{
        let (store, open) = ($store.clone(), std::sync::Arc::clone(&$store.open));
        open.to_the_end(async move {
            let mut tries = $crate::postgres::tx::Tries::default();
            loop {
                #[allow(unused_mut, reason = "some work only reads, or locks")]
                let mut $tx = store.begin(&$teams).await?;
                let done = $work.await;
                match $tx.finish(done).await {
                    Err(fault) if tries.again(&store.open, &fault).await => {}
                    ended => break Ok(ended?),
                }
            }
        })
        .await
    }};
}
pub(super) use change;

/// Reads something, all of it as of one moment.
macro_rules! read {
    ($store:expr, |$tx:ident| $work:expr) => {{
        let $tx = $crate::postgres::tx::Tx::snapshot(&$store.open).await?;
        let done = $work.await;
        Ok($tx.finish(done).await?)
    }};
}
pub(super) use read;
