//! The store, and what its handles share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cstar_types::{Author, TeamId};
use parking_lot::Mutex;

use tokio::sync::{Notify, Semaphore, watch};

use super::clock::ClockOffset;
use super::connect::{self, Begun};
use super::days::Days;
use super::doorbell::Doorbell;
use super::fault::Fault;
use super::follow::{self, Looks};
use super::followed::Followed;
use super::nodes::NOBODY;
use super::notices::Failed;
use super::options::Options;
use super::pool::{self, Connections};
use super::publisher::Publisher;
use super::seen_days::SeenDays;
use super::turns::Turns;
use super::tx::{Effects, Tx};
use super::wanting::Known;
use crate::stored::filters::KnownFilters;
use crate::stored::known_keys::KnownKeys;
use crate::stored::known_types::KnownTypes;
use crate::stored::vault::Vault;
use crate::{CommitSizes, StoreError, Tail};

/// A store in PostgreSQL.
#[derive(Clone)]
pub struct Postgres {
    pub(super) open: Arc<Open>,
    /// Whose changes those are that are made through this handle.
    pub(super) author: Option<Arc<Author>>,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) deliveries: AtomicU64,
    pub(super) attempts: AtomicU64,
}

/// What all handles share.
pub(super) struct Open {
    pub(super) connections: Connections,
    pub(super) vault: Vault,
    pub(super) epoch: u32,
    /// The number of this node.
    pub(super) node: i64,
    /// It sends deliveries.
    pub(super) sends: bool,
    /// For how long it is believed to be there.
    pub(super) lease: Duration,
    /// Looks to come that ask what a commit may have made due whose answer did not come.
    pub(super) unknown: AtomicU32,
    /// The last look did not come through.
    pub(super) away: AtomicBool,
    pub(super) clock: ClockOffset,
    /// What waits was left to other nodes; what is on its way is still this one's.
    pub(super) has_left: AtomicBool,
    /// The database is another one: nothing of this store holds any more.
    pub(super) replaced: watch::Sender<bool>,
    /// The lease is not renewed any more.
    pub(super) leaves: AtomicBool,
    pub(super) followed: Arc<Followed>,
    pub(super) doorbell: Option<Arc<dyn Doorbell>>,
    pub(super) days: Days,
    pub(super) seen_days: SeenDays,
    pub(super) turns: Arc<Turns>,
    pub(super) publisher: Publisher,
    pub(super) group_ended: Notify,
    pub(super) known: Known,
    pub(super) filters: KnownFilters,
    /// Of teams by their numbers, neither of which ever changes.
    pub(super) team_ids: Mutex<HashMap<i64, TeamId>>,
    pub(super) counts: Counts,
    pub(super) commit_sizes: CommitSizes,
    pub(super) keys: KnownKeys,
    pub(super) keys_known_since: Mutex<Instant>,
    pub(super) event_types: KnownTypes,
    pub(super) failed: Mutex<Failed>,
    pub(super) operation_begun: Notify,
    /// For who asks where a log ends, as streams do that begin: thousands at once must leave connections to others.
    pub(super) looks_at_ends: Semaphore,
    pub(super) removal_grain: Duration,
    pub(super) tail: Tail,
    pub(super) backups: crate::backup::Turn,
}

impl Postgres {
    /// Opens the store, making its tables if there are none.
    ///
    /// # Errors
    /// `Unusable` if the database cannot be reached or used, and `OtherMasterKey`; each says what to do.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let connections = pool::pool(&options)?;
        let vault = Vault::new(options.master_key.clone());
        let Begun { epoch, node, link } = connect::begin(&connections, &options, &vault).await?;
        let clock = ClockOffset::default();
        clock.look(&link).await?;
        let looks = Looks::begin(link).await?;
        let open = Arc::new(Open {
            connections,
            vault,
            epoch,
            node,
            sends: options.sends,
            lease: options.lease,
            unknown: AtomicU32::new(0),
            away: AtomicBool::new(false),
            clock,
            has_left: AtomicBool::new(false),
            replaced: watch::Sender::new(false),
            leaves: AtomicBool::new(false),
            followed: Arc::default(),
            doorbell: options.doorbell,
            days: Days::default(),
            seen_days: SeenDays::default(),
            turns: Arc::default(),
            publisher: Publisher::default(),
            group_ended: Notify::new(),
            known: Known::default(),
            filters: KnownFilters::default(),
            team_ids: Mutex::default(),
            counts: Counts::default(),
            commit_sizes: CommitSizes::default(),
            keys: KnownKeys::default(),
            keys_known_since: Mutex::new(Instant::now()),
            event_types: KnownTypes::default(),
            failed: Mutex::default(),
            operation_begun: Notify::new(),
            looks_at_ends: Semaphore::new((options.connections / 4).max(1)),
            removal_grain: options.removal_grain,
            tail: Tail::default(),
            backups: crate::backup::Turn::default(),
        });
        open.learn_event_types().await?;
        tokio::spawn(follow::follow(Arc::downgrade(&open), looks));
        Ok(Self { open, author: None })
    }

    /// Another handle, whose changes are this author's.
    pub(super) fn by_author(&self, author: Author) -> Self {
        Self { open: Arc::clone(&self.open), author: Some(Arc::new(author)) }
    }

    /// Begins a transaction that may append to these teams' logs and change their webhooks.
    pub(super) async fn begin(&self, teams: &[TeamId]) -> Result<Tx, Fault> {
        let turns = self.open.turns.take(teams).await;
        Tx::begin(&self.open, self.author.clone(), turns).await
    }

    /// Takes nothing new, finishes what was handed over, leaves what waits to be sent to other nodes, and closes.
    pub(super) async fn shut(&self) {
        self.open.publisher.close();
        loop {
            let ended = self.open.group_ended.notified();
            if self.open.publisher.is_idle() {
                break;
            }
            ended.await;
        }
        self.open.leaves.store(true, Ordering::Release);
        if let Err(fault) = self.open.end_lease().await {
            tracing::warn!(
                ?fault,
                "the lease of this node could not be ended; others take over when it has run out"
            );
        }
        self.open.connections.close();
        self.open.tail.close();
    }
}

impl Open {
    /// What was committed is remembered, and told to the readers of the tail (LOG-1).
    pub(super) fn follow(&self, effects: Effects) {
        let is_anybodys = self.keeper() == NOBODY && effects.makes_due();
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        self.counts.events.fetch_add(effects.events, Ordering::Relaxed);
        self.counts.deliveries.fetch_add(effects.deliveries as u64, Ordering::Relaxed);
        self.counts.attempts.fetch_add(effects.attempts, Ordering::Relaxed);
        self.commit_sizes.count(effects.events, effects.deliveries as u64);
        self.keys.forget(&effects.keys, &effects.teams);
        self.event_types.apply(effects.event_types);
        self.tell_own(effects.told);
        if is_anybodys && let Some(doorbell) = &self.doorbell {
            doorbell.due();
        }
    }
}

impl Open {
    /// Does it to its end, whether or not its caller still waits, and where nothing that is busy beside its caller has its turn first: others
    /// wait for the locks that it holds.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.connections.manager().runtime().spawn(work).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "a transaction did not come to its end");
            Err(StoreError::OutcomeUnknown)
        })
    }
}
