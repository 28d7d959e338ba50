//! Recording what came of attempts: a group of results in one transaction.
//!
//! What another node has taken meanwhile is not this node's to report: it is left as it is (its node number is the fence). All
//! rows are locked and read first, in one order (`locks`) and one trip; then it is decided, and written together: with the commit, where
//! nothing failed.

mod rows;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cstar_types::{Attempt, DeliveryStatus, FailureRule, FailureStreak, Outcome, TeamId, WebhookId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use self::rows::{Changes, NewAttempts, once};
use super::delivery_rows::{DELIVERY_COLUMNS, DeliveryPlace, DeliveryRow, delivery_columns};
use super::failing::{Counting, read_streak};
use super::fault::Fault;
use super::head::Head;
use super::locks::Locked;
use super::notices;
use super::pool::Param;
use super::store::{Open, Postgres};
use super::turns::Turn;
use super::tx::Tx;
use crate::{AttemptReport, StoreError, Verdict};

/// A delivery that something is reported of.
struct Reported {
    row: DeliveryRow,
    /// Its webhook's.
    generation: i64,
    /// Its webhook's failures since the last success.
    streak: Option<FailureStreak>,
    /// Another node has it.
    is_theirs: bool,
    changed: bool,
}

type ReportedRows = HashMap<DeliveryPlace, Reported>;

/// The days stand there twice, so that no plan is made for the partitions of others.
macro_rules! lock_deliveries {
    ($locked:literal) => {
        concat!(
            "SELECT d.number FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS asked (team, number, day)
             JOIN deliveries d
                 ON d.team = asked.team AND d.number = asked.number AND d.day = asked.day AND d.day = ANY($4::integer[])
             ORDER BY d.team, d.number FOR UPDATE OF d",
            $locked
        )
    };
}

/// DLV-3: what is due is locked before it is read whose it is. Row by row, in the order in which they are asked for: by their keys,
/// whatever the planner believes (as in `head`).
macro_rules! lock_due {
    ($locked:literal) => {
        concat!(
            "SELECT asked.team, asked.number, asked.day
             FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS asked (team, number, day)
             CROSS JOIN LATERAL (SELECT FROM due WHERE team = asked.team AND number = asked.number LIMIT 1 FOR UPDATE",
            $locked,
            ") u"
        )
    };
}

macro_rules! reported {
    ($locked:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", w.generation, u.node IS NOT NULL AND abs(u.node) <> $5
                 AND EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now()), f.since_ms, f.attempts,
                 u.number IS NOT NULL
             FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS asked (team, number, day)
             JOIN deliveries d
                 ON d.team = asked.team AND d.number = asked.number AND d.day = asked.day AND d.day = ANY($4::integer[])
             JOIN webhooks w ON w.team = d.team AND w.id = d.webhook
             LEFT JOIN LATERAL (SELECT number, node FROM due WHERE team = d.team AND number = d.number LIMIT 1) u ON true
             LEFT JOIN failures f ON f.team = d.team AND f.webhook = d.webhook
             ORDER BY d.team, d.number FOR UPDATE OF d",
            $locked
        )
    };
}

/// Records results; answers how each delivery now stands, in order. `None` where there is none, or where somebody else has locked what
/// it needs and that is to be passed over.
pub(super) async fn record(
    store: &Postgres,
    teams: &Teams,
    reports: &[AttemptReport],
    rule: FailureRule,
    locked: Locked,
) -> Result<Vec<Option<DeliveryStatus>>, Fault> {
    let Teams { failing, well } = teams;
    let turns = &store.open.turns;
    let turns = match locked {
        Locked::WaitFor => turns.take(failing).await,
        Locked::PassOver => turns.take_free(failing),
    };
    if turns.is_empty() && well.is_empty() {
        return Ok(vec![None; reports.len()]);
    }
    let ours = Teams { failing: turns.iter().map(Turn::team).collect(), well: well.clone() };
    match attempt(store, turns, &ours, reports, rule, locked).await {
        // Somebody has the operator, who is to be told: the results of those of whom there is nothing to tell do not wait for that.
        Err(Fault::Held) if well.is_empty() => Ok(vec![None; reports.len()]),
        Err(Fault::Held) => {
            let ours = Teams { failing: Vec::new(), well: well.clone() };
            attempt(store, Vec::new(), &ours, reports, rule, locked).await
        }
        recorded => recorded,
    }
}

async fn attempt(
    store: &Postgres,
    turns: Vec<Turn>,
    teams: &Teams,
    reports: &[AttemptReport],
    rule: FailureRule,
    locked: Locked,
) -> Result<Vec<Option<DeliveryStatus>>, Fault> {
    let mut tx = Tx::lend(&store.open, store.author.clone(), Arc::new(turns)).await?;
    tx.locked = locked;
    match decide(&mut tx, teams, reports, rule, locked).await {
        Ok((changes, recorded)) => tx.finish_with(&changes.writing(), recorded).await,
        Err(fault) => tx.finish(Err(fault)).await,
    }
}

/// Decides what follows from the results; answers what is left to be written, and how each delivery stands then.
async fn decide(
    tx: &mut Tx,
    teams: &Teams,
    reports: &[AttemptReport],
    rule: FailureRule,
    locked: Locked,
) -> Result<(Changes, Vec<Option<DeliveryStatus>>), Fault> {
    let (begun, failing, well, rows) = tokio::join!(
        biased; // they are sent in this order
        tx.start(),
        tx.lock_teams(&teams.failing, locked),
        tx.heads(&teams.well),
        tx.reported(reports, locked)
    );
    begun?;
    let (mut heads, mut rows) = (failing?, rows?);
    heads.extend(well?);
    let by_number: HashMap<i64, TeamId> = heads.values().map(|head| (head.number, head.id)).collect();
    let mut counted = HashMap::<TeamId, Counting>::new();
    let mut attempts = NewAttempts::default();
    let mut recorded = Vec::with_capacity(reports.len());
    let mut failed = Vec::new();
    for report in reports {
        let found = DeliveryPlace::of(report.delivery).and_then(|(place, tag)| {
            let team = *by_number.get(&place.team)?;
            Some((team, rows.get_mut(&place).filter(|reported| reported.row.tag == tag)?))
        });
        let Some((team, reported)) = found else {
            recorded.push(None);
            continue;
        };
        let standing = reported.row.status_under(reported.generation);
        if reported.is_theirs {
            recorded.push(Some((standing, None)));
            continue;
        }
        let attempt = attempts.push(&reported.row, &report.attempt);
        let counting = counted.entry(team).or_default();
        counting.add(reported.row.webhook, reported.streak, &attempt);
        apply(reported, report, &attempt);
        tx.effects.attempts += 1;
        if !standing.has_ended() && reported.row.status == DeliveryStatus::Failed {
            failed.push((team, reported.row.clone(), report));
        }
        recorded.push(Some((reported.row.status, Some(reported.row.webhook))));
    }
    let mut changes = Changes::of(&rows, attempts, &tx.open.clock);
    if !teams.failing.is_empty() {
        tx.write(&std::mem::take(&mut changes).writing()).await?; // what follows may read it
        notices::deliveries_failed(tx, &failed).await?;
    }
    let disabled = settle(tx, heads, counted, rule).await?;
    let recorded = recorded.into_iter().map(|one| one.map(|recorded| now_that(&disabled, recorded)));
    Ok((changes, recorded.collect()))
}

/// Whose deliveries are reported of.
#[derive(Debug, Default)]
pub(super) struct Teams {
    /// Something failed, so a webhook may be disabled: they are locked.
    failing: Vec<TeamId>,
    /// Nothing did: who publishes meanwhile is not held up.
    well: Vec<TeamId>,
}

fn team_number(report: &AttemptReport) -> Option<i64> {
    DeliveryPlace::of(report.delivery).map(|(place, _)| place.team)
}

/// Judges each webhook once, when all is counted; answers whom that disabled.
async fn settle(
    tx: &mut Tx,
    mut heads: HashMap<TeamId, Head>,
    counted: HashMap<TeamId, Counting>,
    rule: FailureRule,
) -> Result<HashSet<WebhookId>, Fault> {
    let mut disabled = HashSet::new();
    for (team, counting) in counted {
        let Some(head) = heads.get_mut(&team) else { continue };
        disabled.extend(counting.settle(tx, head, rule).await?);
    }
    Ok(disabled)
}

/// A delivery ended with the others if its webhook was disabled for these results.
fn now_that(
    disabled: &HashSet<WebhookId>,
    (status, webhook): (DeliveryStatus, Option<WebhookId>),
) -> DeliveryStatus {
    let is_cancelled = webhook.is_some_and(|webhook| disabled.contains(&webhook));
    if is_cancelled && !status.has_ended() { DeliveryStatus::Cancelled } else { status }
}

fn apply(reported: &mut Reported, report: &AttemptReport, attempt: &Attempt) {
    let row = &mut reported.row;
    reported.changed = true;
    row.last_attempt = Some(row.last_attempt.unwrap_or_default() + 1);
    row.attempts = attempt.number.max(row.attempts);
    let standing = row.status_under(reported.generation);
    let was_resent = !standing.has_ended() && report.failed_before != row.failed;
    if !was_resent || report.verdict == Verdict::Delivered {
        if !standing.has_ended() && attempt.outcome != Outcome::Success {
            row.failed += 1;
        }
        (row.status, row.due_ms) = follows(standing, report.verdict);
    }
}

/// DLV-2: a success ends a delivery whatever came before; a failure leaves an ended one as it ended.
fn follows(standing: DeliveryStatus, verdict: Verdict) -> (DeliveryStatus, Option<i64>) {
    match verdict {
        Verdict::Delivered => (DeliveryStatus::Delivered, None),
        _ if standing.has_ended() => (standing, None),
        Verdict::RetryAt(at) => (DeliveryStatus::Retrying, Some(at.as_millis())),
        Verdict::Failed => (DeliveryStatus::Failed, None),
    }
}

impl Tx {
    /// Deliveries that something is reported of, locked with what is due of them.
    async fn reported(&self, reports: &[AttemptReport], locked: Locked) -> Result<ReportedRows, Fault> {
        let mut places: Vec<DeliveryPlace> = reports
            .iter()
            .filter_map(|report| DeliveryPlace::of(report.delivery))
            .map(|(place, _)| place)
            .collect();
        places.sort_unstable();
        places.dedup();
        let teams: Vec<i64> = places.iter().map(|place| place.team).collect();
        let numbers: Vec<i64> = places.iter().map(|place| place.number).collect();
        let days: Vec<i32> = places.iter().map(|place| place.day).collect();
        let of = [
            (&teams as _, Type::INT8_ARRAY),
            (&numbers as _, Type::INT8_ARRAY),
            (&days as _, Type::INT4_ARRAY),
            (&once(&days) as _, Type::INT4_ARRAY),
            (&self.open.node as _, Type::INT8),
        ];
        let (mut due, mut found) = self.lock_and_read(&of, locked).await?;
        let is_locked = |row: &Row, due: &DuePlaces| !is_due(row) || due.contains(&place(row));
        if locked == Locked::WaitFor && !found.iter().all(|row| is_locked(row, &due)) {
            // Somebody made it due again, whom this waited for. Its delivery is locked now: it stays due.
            (due, found) = self.lock_and_read(&of, locked).await?;
        }
        let mut rows = ReportedRows::with_capacity(places.len());
        for row in found.into_iter().filter(|row| is_locked(row, &due)) {
            let read = DeliveryRow::read(&row, 0)?;
            let reported = Reported {
                generation: row.get(DELIVERY_COLUMNS),
                is_theirs: row.get(DELIVERY_COLUMNS + 1),
                streak: read_streak(&row, DELIVERY_COLUMNS + 2),
                changed: false,
                row: read,
            };
            rows.insert(reported.row.place, reported);
        }
        Ok(rows)
    }

    /// What of these is due and locked, and all of them as they stand then, locked.
    async fn lock_and_read(
        &self,
        of: &[Param<'_>; 5],
        locked: Locked,
    ) -> Result<(DuePlaces, Vec<Row>), Fault> {
        let (deliveries, due, reported) = match locked {
            Locked::WaitFor => (lock_deliveries!(""), lock_due!(""), reported!("")),
            Locked::PassOver => {
                (lock_deliveries!(" SKIP LOCKED"), lock_due!(" SKIP LOCKED"), reported!(" SKIP LOCKED"))
            }
        };
        let (deliveries, due, found) = tokio::join!(
            biased; // they are sent in this order
            self.rows(deliveries, &of[..4]),
            self.rows(due, &of[..3]),
            self.rows(reported, of)
        );
        deliveries?;
        Ok((due?.iter().map(place).collect(), found?))
    }
}

/// What of some deliveries is due.
type DuePlaces = HashSet<DeliveryPlace>;

/// With which both begin.
fn place(row: &Row) -> DeliveryPlace {
    DeliveryPlace { team: row.get(0), number: row.get(1), day: row.get(2) }
}

fn is_due(row: &Row) -> bool {
    row.get(DELIVERY_COLUMNS + 4)
}

impl Open {
    /// The teams of these reports.
    pub(super) async fn teams_of(&self, reports: &[AttemptReport]) -> Result<Teams, StoreError> {
        let numbers: HashSet<i64> = reports.iter().filter_map(team_number).collect();
        let has_failed = |report: &&AttemptReport| report.attempt.outcome != Outcome::Success;
        let failing: HashSet<i64> = reports.iter().filter(has_failed).filter_map(team_number).collect();
        let unknown: Vec<i64> = {
            let known = self.team_ids.lock();
            numbers.iter().copied().filter(|number| !known.contains_key(number)).collect()
        };
        if !unknown.is_empty() {
            let link = self.connections.get().await.map_err(Fault::from)?;
            let sql = "SELECT number, id FROM teams WHERE number = ANY($1)";
            for row in link.rows(sql, &[(&unknown, Type::INT8_ARRAY)]).await? {
                self.team_ids.lock().insert(row.get(0), TeamId::from_uuid(row.get(1)));
            }
        }
        let known = self.team_ids.lock();
        let mut teams = Teams::default();
        for number in numbers {
            let Some(team) = known.get(&number) else { continue };
            if failing.contains(&number) { teams.failing.push(*team) } else { teams.well.push(*team) }
        }
        Ok(teams)
    }

    /// Whose a webhook is.
    pub(super) async fn team_of(&self, webhook: WebhookId) -> Result<Option<TeamId>, StoreError> {
        let link = self.connections.get().await.map_err(Fault::from)?;
        let sql = "SELECT t.id FROM webhooks w JOIN teams t ON t.number = w.team WHERE w.id = $1";
        let row = link.row(sql, &[(&Uuid::from_u128(webhook.bits()), Type::UUID)]).await?;
        Ok(row.map(|row| TeamId::from_uuid(row.get(0))))
    }
}
