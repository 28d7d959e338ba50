//! Following what other nodes commit.
//!
//! ```text
//! commit of another node ─▶ bell (perhaps) ─▶ read what follows ─▶ tail of this node
//!                            look, each second ──▲
//! ```
//! A look is one trip with one statement for each question, over a connection of its own: how far all attended logs have come,
//! what others said (`changes`), whose lease has run out; and it renews this node's lease. So it also finds out whether the database
//! takes a write.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use cstar_types::{TeamId, WebhookId};
use deadpool::managed::Manager as _;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::changes::{self, Said};
use super::fault::Fault;
use super::followed::{Own, Rung};
use super::head::head;
use super::nodes::NOBODY;
use super::pool::Link;
use super::store::{Open, Postgres};
use crate::{Attention, Change, Due, SliceLimit, StoreError};

/// How often a node looks by itself: what a bell that nobody heard costs.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A database that does not answer for so long is away.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// What others said is kept for so long, on the database's clock.
const SAID_KEPT: &str = "interval '10 minutes'";
/// A node that did not look for so long may have missed something of it.
const UNHEARD_MAX: Duration = Duration::from_secs(300);
/// A node that was silent for so long is forgotten, and what was said long ago.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// A commit whose answer did not come may come through later: for so many looks it is looked for what it made due.
const UNKNOWN_LOOKS: u32 = 30;
/// Logs that are read at the same time.
const READS: usize = 4;
/// What is read of a log at once.
const SLICE: SliceLimit = SliceLimit { entries: 1_000, bytes: 4 << 20 };

const STANDINGS: &str =
    concat!("SELECT t.id, h.seq FROM teams t ", head!(), " WHERE t.id = ANY($1) AND t.state = 0");
/// Of the log.
const EPOCH: &str = "SELECT value FROM meta WHERE name = 'epoch'";
const GONE: &str = "SELECT number FROM nodes WHERE leased_until <= now()";
/// Webhooks for which something is due that no node has: a step in the index for each.
const LEFT: &str = "WITH RECURSIVE w AS (
         (SELECT team, webhook, due_ms FROM due WHERE node = 0 ORDER BY team, webhook, due_ms LIMIT 1)
         UNION ALL
         SELECT n.* FROM w CROSS JOIN LATERAL (
             SELECT team, webhook, due_ms FROM due WHERE node = 0 AND (team, webhook) > (w.team, w.webhook)
             ORDER BY team, webhook, due_ms LIMIT 1
         ) n
     ) SELECT webhook FROM w WHERE due_ms <= extract(epoch FROM now()) * 1000";

/// What the looks of a node have found so far.
pub(super) struct Looks {
    link: Option<Link>,
    /// The moment up to which was read what others said.
    since: String,
    /// When the database's server began.
    server_since: String,
    gone: BTreeSet<i64>,
    /// One of them was new: what it was just committing is found by the next look.
    some_left: bool,
    looked_at: Instant,
    /// For how long the node was not believed to be there since then, on the database's clock.
    lapsed: Duration,
    tidied_at: Instant,
}

impl Looks {
    /// Begins before anything is remembered that others could change: what was said by then has nobody to be told to.
    pub(super) async fn begin(link: Link) -> Result<Self, Fault> {
        let row = link.row(changes::BEGIN, &[]).await?.ok_or_else(|| Fault::damaged("changes", "begin"))?;
        let gone = link.rows(GONE, &[]).await?.iter().map(|row| row.get(0)).collect();
        let now = Instant::now();
        Ok(Self {
            since: row.get(0),
            server_since: row.get(1),
            link: Some(link),
            gone,
            some_left: false,
            looked_at: now,
            lapsed: Duration::ZERO,
            tidied_at: now,
        })
    }
}

/// Follows the other nodes for as long as the store is open.
pub(super) async fn follow(open: Weak<Open>, mut looks: Looks) {
    let Some(followed) = open.upgrade().map(|open| Arc::clone(&open.followed)) else { return };
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let rung = tokio::select! {
            _ = turns.tick() => None,
            rung = followed.rung() => Some(rung),
        };
        let Some(open) = open.upgrade().filter(|open| !open.connections.is_closed()) else { return };
        let teams = match rung {
            Some(Rung { teams, changes: false, due }) => {
                if due {
                    open.look_for_left(&mut looks).await;
                }
                teams.into_iter().collect()
            }
            look => {
                let mut teams = open.look(&mut looks).await;
                teams.extend(look.into_iter().flat_map(|rung| rung.teams));
                teams
            }
        };
        // The lease must be renewed meanwhile: what is not read by then is found by the next look.
        let read = stream::iter(teams).for_each_concurrent(READS, |team| open.read_on(team));
        let _ = timeout(ANSWER_MAX, read).await;
    }
}

impl Open {
    /// Looks; answers the teams whose logs have come further than was told.
    async fn look(self: &Arc<Self>, looks: &mut Looks) -> Vec<TeamId> {
        let looked = match self.reach(looks).await {
            Ok(()) => timeout(ANSWER_MAX, self.try_look(looks)).await,
            Err(fault) => Ok(Err(fault)),
        };
        let looked = looked.unwrap_or_else(|_| Err(Fault::Away("it does not answer".to_owned())));
        let was_away = self.away.swap(looked.is_err(), Ordering::AcqRel);
        match looked {
            Ok(teams) => {
                if was_away {
                    tracing::info!("the database is back");
                }
                teams
            }
            Err(fault) => {
                looks.link = None;
                if !was_away {
                    tracing::warn!(?fault, "the database is away: nothing is taken until it is back");
                }
                Vec::new()
            }
        }
    }

    /// It has a time of its own, for each of several servers.
    async fn reach(&self, looks: &mut Looks) -> Result<(), Fault> {
        if looks.link.as_ref().is_none_or(Link::is_behind) {
            looks.link = Some(self.connections.manager().create().await?);
        }
        Ok(())
    }

    async fn try_look(self: &Arc<Self>, looks: &mut Looks) -> Result<Vec<TeamId>, Fault> {
        let Some(link) = &looks.link else { return Ok(Vec::new()) };
        let (begun, unknown) = (Instant::now(), self.unknown.load(Ordering::Acquire));
        // Of what this node may have committed itself nobody was told either.
        let own = if unknown > 0 { NOBODY } else { self.node };
        let attended: Vec<Uuid> = self.followed.lock().teams().iter().map(|team| *team.as_uuid()).collect();
        let (teams, since) = (
            [(&attended as _, Type::UUID_ARRAY)],
            [(&looks.since as _, Type::TEXT), (&self.node as _, Type::INT8), (&own as _, Type::INT8)],
        );
        let (renewed, clock, epoch, gone, said, left, standings) = tokio::join!(
            biased;
            self.renew_lease(link),
            self.clock.look(link),
            link.row(EPOCH, &[]),
            link.rows(GONE, &[]),
            link.rows(changes::READ, &since),
            self.left(link),
            link.heads(STANDINGS, &teams),
        );
        // The renewal is done, whatever becomes of the rest: a later look finds no lapse.
        if let Some(ago) = renewed? {
            looks.lapsed = looks.lapsed.max(ago.saturating_add(self.lease));
        }
        clock?;
        self.is_as_before(epoch?)?;
        let gone: BTreeSet<i64> = gone?.iter().map(|row| row.get(0)).collect();
        let (said, left) = (said?, left?);
        let ahead = self.ahead(&standings?);
        if looks.tidied_at.elapsed() > TIDY_EVERY {
            tidy(link).await?;
            looks.tidied_at = Instant::now();
            self.tail.tell(Change::Due(None)); // what was locked when its node's lease ran out
        }
        // By the clock that says more: that of this machine stands still with it.
        let silent = looks.looked_at.elapsed().max(looks.lapsed);
        if silent > UNHEARD_MAX {
            self.doubt().await?;
        } else if silent > self.lease {
            self.tail.lag(); // what it was about to send may be another's
        }
        self.hear(looks, &said).await?;
        let _ = self.unknown.compare_exchange(
            unknown,
            unknown.saturating_sub(1),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        let some_left = !gone.is_subset(&looks.gone);
        if unknown > 0 || some_left || looks.some_left {
            self.tail.tell(Change::Due(None));
        }
        looks.some_left = some_left;
        self.tell_left(left);
        looks.gone = gone;
        (looks.looked_at, looks.lapsed) = (begun, Duration::ZERO);
        Ok(ahead)
    }

    /// LOG-2: under another epoch the same positions are other events. Nothing that this node remembers is of that log, so it stops.
    fn is_as_before(&self, epoch: Option<tokio_postgres::Row>) -> Result<(), Fault> {
        let epoch: Vec<u8> = epoch.ok_or_else(|| Fault::damaged("meta", "epoch"))?.get(0);
        if epoch == self.epoch.to_be_bytes() {
            return Ok(());
        }
        tracing::error!(
            "the database was replaced by a copy of it, which began a new epoch: start the node again"
        );
        self.connections.close();
        self.replaced.send_replace(true);
        Err(Fault::Away("the database is another one".to_owned()))
    }

    /// Webhooks for which something is due that no node has, where this one sends.
    async fn left(&self, link: &Link) -> Result<Vec<WebhookId>, Fault> {
        if !self.sends() {
            return Ok(Vec::new());
        }
        Ok(link.rows(LEFT, &[]).await?.iter().map(|row| WebhookId::from_uuid(row.get(0))).collect())
    }

    fn tell_left(&self, left: Vec<WebhookId>) {
        left.into_iter().for_each(|webhook| self.tail.tell(Change::Due(Some(webhook))));
    }

    /// What fails here the next look finds.
    async fn look_for_left(&self, looks: &mut Looks) {
        let Some(link) = &looks.link else { return };
        if let Ok(Ok(left)) = timeout(ANSWER_MAX, self.left(link)).await {
            self.tell_left(left);
        }
    }

    fn ahead(&self, standings: &[tokio_postgres::Row]) -> Vec<TeamId> {
        let attended = self.followed.lock();
        let ahead = standings.iter().filter_map(|row| {
            let (team, seq) = (TeamId::from_uuid(row.get(0)), row.get::<_, i64>(1) as u64);
            attended.told(team).filter(|told| *told < seq).map(|_| team)
        });
        ahead.collect()
    }

    /// Tells what others said.
    async fn hear(self: &Arc<Self>, looks: &mut Looks, said: &[tokio_postgres::Row]) -> Result<(), Fault> {
        let mut types = false;
        for said in said.iter().filter_map(changes::read) {
            match said {
                Said::Change(change) => self.tell_of_others(change),
                Said::EventTypes => types = true,
            }
        }
        if types {
            self.learn_event_types().await?;
        }
        if let Some(row) = said.first() {
            let (since, server_since): (String, String) = (row.get(0), row.get(6));
            // After a crash of the database numbers of transactions that were not synced are given again, and by another server too.
            if server_since != looks.server_since {
                self.doubt().await?;
            }
            (looks.since, looks.server_since) = (since, server_since);
        }
        Ok(())
    }

    fn tell_of_others(&self, change: Change) {
        match &change {
            Change::KeyRevoked(key) => self.keys.forget(&[*key], &[]),
            Change::TeamDeleted(team) => self.keys.forget(&[], &[*team]),
            _ => {}
        }
        self.tell(change);
    }

    /// Tells the tail; behind what is being read, where that may show what is erased.
    fn tell(&self, change: Change) {
        if matches!(change, Change::Erased { .. }) {
            self.followed.lock().erasures += 1;
        }
        self.tail.tell(change);
    }

    /// Nobody knows what others said meanwhile.
    async fn doubt(self: &Arc<Self>) -> Result<(), Fault> {
        tracing::warn!(
            "what other nodes changed may not have been heard: all that is remembered is read again"
        );
        self.keys.forget_all();
        self.learn_event_types().await?;
        self.tail.lag();
        Ok(())
    }

    /// Reads a slice of what follows of a log that somebody attends, and tells it.
    async fn read_on(&self, team: TeamId) {
        let (told, erasures) = {
            let attended = self.followed.lock();
            let Some(told) = attended.told(team) else { return };
            (told, attended.erasures)
        };
        let slice = match self.slice(team, told, SLICE).await {
            Ok(slice) if slice.entries.is_empty() => return,
            Ok(slice) => slice,
            Err(Fault::Refused(StoreError::NotFound)) => return,
            Err(fault) => {
                tracing::debug!(?fault, %team, "what other nodes published could not be read; the next look reads it");
                return;
            }
        };
        let mut attended = self.followed.lock();
        let is_all = slice.entries.last().is_some_and(|last| last.position.seq >= slice.ends.head);
        if !is_all || attended.erasures != erasures {
            // More has its turn behind the other teams and the next look, however fast this log grows.
            self.followed.ring(team);
        }
        let Some(told) = attended.told(team).filter(|_| attended.erasures == erasures) else { return };
        let new = slice.entries.into_iter().filter(|entry| entry.position.seq > told);
        let entries: Vec<_> = new.map(Arc::new).collect();
        if let Some(last) = entries.last() {
            attended.tell(team, last.position.seq);
            self.tail.tell(Change::Appended { team, entries, deliveries: Vec::new() });
        }
    }

    /// Whether something was committed is not known, and nobody was told of it.
    pub(super) fn is_unknown(&self) {
        self.unknown.store(UNKNOWN_LOOKS, Ordering::Release);
    }

    /// Tells what this node has committed itself, and rings.
    pub(super) fn tell_own(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Appended { team, entries, deliveries } => {
                    self.tell_appended(team, entries, deliveries);
                }
                other => self.tell(other),
            }
        }
    }

    fn tell_appended(&self, team: TeamId, mut entries: Vec<Arc<cstar_types::Entry>>, deliveries: Vec<Due>) {
        let seq = |entry: Option<&Arc<cstar_types::Entry>>| entry.map(|entry| entry.position.seq);
        let (Some(first), Some(last)) = (seq(entries.first()), seq(entries.last())) else { return };
        let mut attended = self.followed.lock();
        match attended.own(team, first, last) {
            Own::Tell => {}
            Own::Told => entries.clear(),
            Own::Read => {
                entries.clear();
                self.followed.ring(team);
            }
        }
        self.tail.tell(Change::Appended { team, entries, deliveries });
        drop(attended);
        if let Some(doorbell) = &self.doorbell {
            doorbell.reached(team, last);
        }
    }
}

/// Removes what nobody asks for any more.
async fn tidy(link: &Link) -> Result<(), Fault> {
    link.script(&format!(
        "DELETE FROM changes WHERE at < now() - {SAID_KEPT}; DELETE FROM nodes WHERE leased_until < now() - interval '1 day'"
    ))
    .await
}

impl Postgres {
    /// Another node says how far a team's log has come.
    pub fn hear_reached(&self, team: TeamId, seq: u64) {
        let followed = &self.open.followed;
        if followed.lock().told(team).is_some_and(|told| told < seq) {
            followed.ring(team);
        }
    }

    /// Another node says that something has changed.
    pub fn hear_changed(&self) {
        self.open.followed.ring_changes();
    }

    /// Another node says that something is due that no node has.
    pub fn hear_due(&self) {
        if self.open.sends() {
            self.open.followed.ring_due();
        }
    }

    pub(super) fn attended(&self, team: TeamId) -> Attention {
        let open = &self.open;
        let mut attended = open.followed.lock(); // held, so that the doorbell is told in the same order
        if attended.add(team)
            && let Some(doorbell) = &open.doorbell
        {
            doorbell.attend(team, true);
        }
        drop(attended);
        Attention::holding(Attending { team, open: Arc::downgrade(open) })
    }
}

/// Somebody attends a team.
struct Attending {
    team: TeamId,
    open: Weak<Open>,
}

impl Drop for Attending {
    fn drop(&mut self) {
        let Some(open) = self.open.upgrade() else { return };
        let mut attended = open.followed.lock();
        if attended.remove(self.team)
            && let Some(doorbell) = &open.doorbell
        {
            doorbell.attend(self.team, false);
        }
    }
}
