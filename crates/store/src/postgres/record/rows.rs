//! What results write.

use cstar_types::{Attempt, AttemptRequest};
use tokio_postgres::types::Type;

use super::{Reported, ReportedRows};
use crate::postgres::clock::ClockOffset;
use crate::postgres::days::Day;
use crate::postgres::delivery_rows::{DeliveryPlace, DeliveryRow};
use crate::postgres::pool::Param;
use crate::postgres::tx::Writing;

/// What can change of a delivery.
const UPDATE: &str = "UPDATE deliveries d SET status = n.status, attempts = n.attempts, failed = n.failed, due_ms = n.due_ms,
         last_attempt = n.last_attempt
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[], $6::integer[], $7::bigint[],
                 $8::integer[]) AS n (team, number, day, status, attempts, failed, due_ms, last_attempt)
     WHERE d.team = n.team AND d.number = n.number AND d.day = n.day AND d.day = ANY($9::integer[])";

/// What waits is looked up by its whole key, one by one (as in `head`): it is locked, so it stays in its place.
const WAIT: &str = "UPDATE due u SET due_ms = n.due_ms
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (team, number, due_ms)
     CROSS JOIN LATERAL (SELECT ctid FROM due WHERE team = n.team AND number = n.number LIMIT 1) AS place
     WHERE u.ctid = place.ctid AND u.due_ms <> n.due_ms";

const END: &str = "DELETE FROM due WHERE ctid = ANY (ARRAY(
         SELECT place.ctid FROM unnest($1::bigint[], $2::bigint[]) AS n (team, number)
         CROSS JOIN LATERAL (SELECT ctid FROM due WHERE team = n.team AND number = n.number LIMIT 1) AS place))";

/// What results change: columns of deliveries, of those that wait and those that do not any more, and new attempts.
#[derive(Default)]
pub(super) struct Changes {
    teams: Vec<i64>,
    numbers: Vec<i64>,
    days: Vec<Day>,
    statuses: Vec<i16>,
    counts: Vec<i32>,
    failed: Vec<i32>,
    due: Vec<Option<i64>>,
    last: Vec<Option<i32>>,
    days_once: Vec<Day>,
    ended: (Vec<i64>, Vec<i64>),
    waiting: (Vec<i64>, Vec<i64>, Vec<i64>),
    attempts: NewAttempts,
}

impl Changes {
    pub(super) fn of(rows: &ReportedRows, attempts: NewAttempts, clock: &ClockOffset) -> Self {
        let mut changes = Self { attempts, ..Self::default() };
        for Reported { row, .. } in rows.values().filter(|reported| reported.changed) {
            let DeliveryPlace { team, number, day } = row.place;
            changes.teams.push(team);
            changes.numbers.push(number);
            changes.days.push(day);
            changes.statuses.push(row.status as i16);
            changes.counts.push(row.attempts as i32);
            changes.failed.push(row.failed as i32);
            changes.due.push(row.due_ms);
            changes.last.push(row.last_attempt);
            if let Some(due_ms) = row.due_ms {
                changes.waiting.0.push(team);
                changes.waiting.1.push(number);
                changes.waiting.2.push(clock.theirs(due_ms));
            } else {
                changes.ended.0.push(team);
                changes.ended.1.push(number);
            }
        }
        changes.days_once = once(&changes.days);
        changes
    }

    pub(super) fn writing(&self) -> Writing<'_> {
        let mut writing = Writing::default();
        if self.teams.is_empty() {
            return writing;
        }
        let params: [Param<'_>; 9] = [
            (&self.teams, Type::INT8_ARRAY),
            (&self.numbers, Type::INT8_ARRAY),
            (&self.days, Type::INT4_ARRAY),
            (&self.statuses, Type::INT2_ARRAY),
            (&self.counts, Type::INT4_ARRAY),
            (&self.failed, Type::INT4_ARRAY),
            (&self.due, Type::INT8_ARRAY),
            (&self.last, Type::INT4_ARRAY),
            (&self.days_once, Type::INT4_ARRAY),
        ];
        writing.add(UPDATE, params);
        let (teams, numbers, due) = &self.waiting;
        if !teams.is_empty() {
            let params: [Param<'_>; 3] =
                [(teams, Type::INT8_ARRAY), (numbers, Type::INT8_ARRAY), (due, Type::INT8_ARRAY)];
            writing.add(WAIT, params);
        }
        let (teams, numbers) = &self.ended;
        if !teams.is_empty() {
            let params: [Param<'_>; 2] = [(teams, Type::INT8_ARRAY), (numbers, Type::INT8_ARRAY)];
            writing.add(END, params);
        }
        writing.add(INSERT_ATTEMPTS, self.attempts.as_params());
        writing
    }
}

/// Each of them once.
pub(super) fn once(days: &[Day]) -> Vec<Day> {
    let mut once = days.to_vec();
    once.sort_unstable();
    once.dedup();
    once
}

const INSERT_ATTEMPTS: &str = "INSERT INTO attempts (team, delivery, day, place, count, started_ms, duration_ms, outcome,
         status_code, detail, response_headers, response_body, url, address, signature)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
         $8::smallint[], $9::integer[], $10::bytea[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], $15::text[])";

/// Columns of attempts that are recorded together.
#[derive(Default)]
pub(super) struct NewAttempts {
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
    pub(super) fn push(&mut self, row: &DeliveryRow, attempt: &Attempt) -> Attempt {
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

    fn as_params(&self) -> [Param<'_>; 15] {
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
