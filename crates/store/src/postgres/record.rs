//! Recording what came of attempts: a group of results in one transaction.
//!
//! What another node has taken meanwhile is not this node's to report: it is left as it is (its node number is the fence). All
//! rows are read and locked first, in one order; then it is decided, and written together.

use std::collections::{HashMap, HashSet};

use cstar_types::{Attempt, AttemptRequest, DeliveryStatus, FailureRule, Outcome, TeamId, WebhookId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::delivery_rows::{DELIVERY_COLUMNS, DeliveryPlace, DeliveryRow, delivery_columns};
use super::failing::Counting;
use super::fault::Fault;
use super::head::Head;
use super::notices;
use super::store::Open;
use super::tx::{Tx, Writing};
use crate::{AttemptReport, StoreError, Verdict};

/// A delivery that something is reported of.
struct Reported {
    row: DeliveryRow,
    /// Its webhook's.
    generation: i64,
    /// Another node has it.
    is_theirs: bool,
    changed: bool,
}

type ReportedRows = HashMap<DeliveryPlace, Reported>;

/// Locked in the order of their places. What is due of them is theirs, too: it is written with them alone.
const REPORTED: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", w.generation, u.node IS NOT NULL AND u.node <> $4
         AND EXISTS (SELECT 1 FROM nodes n WHERE n.number = u.node AND n.leased_until > now())
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS asked (team, number, day)
     JOIN deliveries d ON d.team = asked.team AND d.number = asked.number AND d.day = asked.day
     JOIN webhooks w ON w.team = d.team AND w.id = d.webhook
     LEFT JOIN due u ON u.team = d.team AND u.number = d.number
     ORDER BY d.team, d.number FOR UPDATE OF d"
);

/// Records results; answers how each delivery now stands, in order.
pub(super) async fn record(
    tx: &mut Tx,
    teams: &Teams,
    reports: &[AttemptReport],
    rule: FailureRule,
) -> Result<Vec<DeliveryStatus>, Fault> {
    let mut heads = tx.lock_all(&teams.failing).await?;
    heads.extend(tx.heads(&teams.well).await?);
    let by_number: HashMap<i64, TeamId> = heads.values().map(|head| (head.number, head.id)).collect();
    let mut rows = tx.reported(reports).await?;
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
            recorded.push((DeliveryStatus::Cancelled, None));
            continue;
        };
        let standing = reported.row.status_under(reported.generation);
        if reported.is_theirs {
            recorded.push((standing, None));
            continue;
        }
        let attempt = attempts.push(&reported.row, &report.attempt);
        let counting = counted.entry(team).or_default();
        counting.add(tx, reported.row.place.team, reported.row.webhook, &attempt).await?;
        apply(reported, report, &attempt);
        tx.effects.attempts += 1;
        if !standing.has_ended() && reported.row.status == DeliveryStatus::Failed {
            failed.push((team, reported.row.clone(), report));
        }
        recorded.push((reported.row.status, Some(reported.row.webhook)));
    }
    write(tx, &rows, &attempts).await?;
    notices::deliveries_failed(tx, &failed).await?;
    let disabled = settle(tx, heads, counted, rule).await?;
    Ok(recorded.into_iter().map(|recorded| now_that(&disabled, recorded)).collect())
}

/// Whose deliveries are reported of.
#[derive(Debug, Default)]
pub(super) struct Teams {
    /// Something failed, so a webhook may be disabled: they are locked.
    failing: Vec<TeamId>,
    /// Nothing did: who publishes meanwhile is not held up.
    well: Vec<TeamId>,
}

impl Teams {
    /// The teams whose turns it needs: the operator may be told of what failed.
    pub(super) fn turns(&self) -> Vec<TeamId> {
        let operator = (!self.failing.is_empty()).then_some(TeamId::OPERATOR);
        self.failing.iter().copied().chain(operator).collect()
    }
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

/// What can change of a delivery.
const UPDATE: &str = "UPDATE deliveries d SET status = n.status, attempts = n.attempts, failed = n.failed, due_ms = n.due_ms,
         last_attempt = n.last_attempt
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[], $6::integer[], $7::bigint[],
                 $8::integer[]) AS n (team, number, day, status, attempts, failed, due_ms, last_attempt)
     WHERE d.team = n.team AND d.number = n.number AND d.day = n.day";

const WAIT: &str = "UPDATE due u SET due_ms = n.due_ms
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (team, number, due_ms)
     WHERE u.team = n.team AND u.number = n.number AND n.due_ms IS NOT NULL AND u.due_ms <> n.due_ms";

const END: &str =
    "DELETE FROM due u USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (team, number, due_ms)
     WHERE u.team = n.team AND u.number = n.number AND n.due_ms IS NULL";

async fn write(tx: &Tx, rows: &ReportedRows, attempts: &NewAttempts) -> Result<(), Fault> {
    let changed: Vec<&DeliveryRow> =
        rows.values().filter(|reported| reported.changed).map(|reported| &reported.row).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let teams: Vec<i64> = changed.iter().map(|row| row.place.team).collect();
    let numbers: Vec<i64> = changed.iter().map(|row| row.place.number).collect();
    let days: Vec<i32> = changed.iter().map(|row| row.place.day).collect();
    let statuses: Vec<i16> = changed.iter().map(|row| row.status as i16).collect();
    let counts: Vec<i32> = changed.iter().map(|row| row.attempts as i32).collect();
    let failed: Vec<i32> = changed.iter().map(|row| row.failed as i32).collect();
    let due: Vec<Option<i64>> = changed.iter().map(|row| row.due_ms).collect();
    let last: Vec<Option<i32>> = changed.iter().map(|row| row.last_attempt).collect();
    let params = [
        (&teams as _, Type::INT8_ARRAY),
        (&numbers as _, Type::INT8_ARRAY),
        (&days as _, Type::INT4_ARRAY),
        (&statuses as _, Type::INT2_ARRAY),
        (&counts as _, Type::INT4_ARRAY),
        (&failed as _, Type::INT4_ARRAY),
        (&due as _, Type::INT8_ARRAY),
        (&last as _, Type::INT4_ARRAY),
    ];
    let of_due = [params[0].clone(), params[1].clone(), params[6].clone()];
    let mut writing = Writing::default();
    writing.add(UPDATE, params);
    writing.add(WAIT, of_due.clone());
    writing.add(END, of_due);
    writing.add(INSERT_ATTEMPTS, attempts.as_params());
    tx.write(&writing).await
}

impl Tx {
    async fn reported(&self, reports: &[AttemptReport]) -> Result<ReportedRows, Fault> {
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
            (&self.open.node as _, Type::INT8),
        ];
        let mut rows = ReportedRows::with_capacity(places.len());
        for row in self.rows(REPORTED, &of).await? {
            let read = DeliveryRow::read(&row, 0)?;
            let reported = Reported {
                generation: row.get(DELIVERY_COLUMNS),
                is_theirs: row.get(DELIVERY_COLUMNS + 1),
                changed: false,
                row: read,
            };
            rows.insert(reported.row.place, reported);
        }
        Ok(rows)
    }
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

const INSERT_ATTEMPTS: &str = "INSERT INTO attempts (team, delivery, day, place, count, started_ms, duration_ms, outcome,
         status_code, detail, response_headers, response_body, url, address, signature)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
         $8::smallint[], $9::integer[], $10::bytea[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], $15::text[])";

/// Columns of attempts that are recorded together.
#[derive(Default)]
struct NewAttempts {
    teams: Vec<i64>,
    deliveries: Vec<i64>,
    days: Vec<i32>,
    places: Vec<i32>,
    counts: Vec<i32>,
    started: Vec<i64>,
    durations: Vec<i64>,
    outcomes: Vec<i16>,
    status_codes: Vec<Option<i32>>,
    details: Vec<Vec<u8>>,
    headers: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
    urls: Vec<String>,
    addresses: Vec<Option<String>>,
    signatures: Vec<Option<String>>,
}

impl NewAttempts {
    /// Takes the next attempt of a delivery, without what was answered if its event is erased; answers what it took.
    fn push(&mut self, row: &DeliveryRow, attempt: &Attempt) -> Attempt {
        let attempt = if row.marks.is_erased() { attempt.clone().without_answer() } else { attempt.clone() };
        let headers = match attempt.response_headers.as_slice() {
            [] => Vec::new(),
            headers => serde_json::to_vec(headers).expect("pairs of texts can always be written"),
        };
        let AttemptRequest { url, address, signature } = attempt.request.clone();
        self.teams.push(row.place.team);
        self.deliveries.push(row.place.number);
        self.days.push(row.place.day);
        self.places.push(row.last_attempt.unwrap_or_default() + 1);
        self.counts.push(attempt.number as i32);
        self.started.push(attempt.started_at.as_millis());
        self.durations.push(attempt.duration_ms.into());
        self.outcomes.push(attempt.outcome as i16);
        self.status_codes.push(attempt.status_code.map(i32::from));
        self.details.push(attempt.detail.clone().into_bytes());
        self.headers.push(headers);
        self.bodies.push(attempt.response_body.clone().into_bytes());
        self.urls.push(url);
        self.addresses.push(address);
        self.signatures.push(signature);
        attempt
    }

    fn as_params(&self) -> [super::pool::Param<'_>; 15] {
        [
            (&self.teams, Type::INT8_ARRAY),
            (&self.deliveries, Type::INT8_ARRAY),
            (&self.days, Type::INT4_ARRAY),
            (&self.places, Type::INT4_ARRAY),
            (&self.counts, Type::INT4_ARRAY),
            (&self.started, Type::INT8_ARRAY),
            (&self.durations, Type::INT8_ARRAY),
            (&self.outcomes, Type::INT2_ARRAY),
            (&self.status_codes, Type::INT4_ARRAY),
            (&self.details, Type::BYTEA_ARRAY),
            (&self.headers, Type::BYTEA_ARRAY),
            (&self.bodies, Type::BYTEA_ARRAY),
            (&self.urls, Type::TEXT_ARRAY),
            (&self.addresses, Type::TEXT_ARRAY),
            (&self.signatures, Type::TEXT_ARRAY),
        ]
    }
}
