//! The rows of attempts: a chain for each delivery, newest first.

use std::borrow::Cow;

use cstar_types::{Attempt, AttemptRequest, AttemptSummary, Outcome, Timestamp};
use rusqlite::{OptionalExtension, Row};

use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::look::Look;
use super::rows::{Columns, Insert, NewRow, insert_into};
use crate::stored::checksum::Checksum;
use crate::stored::place::Place;

/// A row of `attempts`.
pub(super) struct AttemptRow<'a> {
    pub(super) number: i64,
    pub(super) delivery: Place,
    /// The number of the attempt before this one.
    pub(super) previous: Option<i64>,
    pub(super) attempt: Cow<'a, Attempt>,
    /// The answer's headers as JSON.
    pub(super) headers: &'a str,
}

/// The answer's headers as they are stored; made before the writer has its turn.
pub(super) fn headers_text(attempt: &Attempt) -> String {
    if attempt.response_headers.is_empty() {
        return String::new();
    }
    serde_json::to_string(&attempt.response_headers).expect("pairs of texts can always be written")
}

impl AttemptRow<'_> {
    pub(super) fn checksum(&self) -> i64 {
        let Attempt { number, started_at, duration_ms, outcome, status_code, .. } = &*self.attempt;
        let AttemptRequest { url, address, signature } = &self.attempt.request;
        Checksum::new()
            .int(self.number)
            .int(self.delivery.bits())
            .maybe(self.previous)
            .int((*number).into())
            .int(started_at.as_millis())
            .int((*duration_ms).into())
            .int(*outcome as i64)
            .maybe(status_code.map(i64::from))
            .text(&self.attempt.detail)
            .text(self.headers)
            .text(&self.attempt.response_body)
            .text(url)
            .maybe_bytes(address.as_deref().map(str::as_bytes))
            .maybe_bytes(signature.as_deref().map(str::as_bytes))
            .finish()
    }
}

impl NewRow for AttemptRow<'_> {
    const INSERT: Insert = insert_into!(
        "attempts (number, delivery, previous, count, started_ms, duration_ms, outcome, status_code, detail,
             response_headers, response_body, url, address, signature, checksum)",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );

    fn bind(&self, columns: &mut Columns<'_, '_>) -> rusqlite::Result<()> {
        let attempt = &*self.attempt;
        columns.bind(self.number)?;
        columns.bind(self.delivery)?;
        columns.bind(self.previous)?;
        columns.bind(attempt.number)?;
        columns.bind(attempt.started_at.as_millis())?;
        columns.bind(attempt.duration_ms)?;
        columns.bind(attempt.outcome as i64)?;
        columns.bind(attempt.status_code)?;
        columns.bind(&attempt.detail)?;
        columns.bind(self.headers)?;
        columns.bind(&attempt.response_body)?;
        columns.bind(&attempt.request.url)?;
        columns.bind(&attempt.request.address)?;
        columns.bind(&attempt.request.signature)?;
        columns.bind(self.checksum())
    }
}

/// An attempt as it was read.
pub(super) struct Stored {
    pub(super) delivery: Place,
    pub(super) previous: Option<i64>,
    pub(super) attempt: Attempt,
}

pub(super) const SELECT_ATTEMPTS: &str =
    "SELECT number, delivery, previous, count, started_ms, duration_ms, outcome,
     status_code, detail, response_headers, response_body, url, address, signature, checksum FROM attempts";

impl Stored {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let number: i64 = row.get(0)?;
        let damaged = || Fault::damaged("attempts", number);
        let headers: String = row.get(9)?;
        let parsed = if headers.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(&headers) };
        let attempt = Attempt {
            number: row.get(3)?,
            started_at: Timestamp::from_millis(row.get(4)?),
            duration_ms: row.get(5)?,
            outcome: Outcome::ALL.get(row.get::<_, u32>(6)? as usize).copied().ok_or_else(damaged)?,
            status_code: row.get(7)?,
            detail: row.get(8)?,
            response_headers: parsed.map_err(|_| damaged())?,
            response_body: row.get(10)?,
            request: AttemptRequest { url: row.get(11)?, address: row.get(12)?, signature: row.get(13)? },
        };
        let (delivery, previous) = (row.get(1)?, row.get(2)?);
        let checksum =
            AttemptRow { number, delivery, previous, attempt: Cow::Borrowed(&attempt), headers: &headers }
                .checksum();
        if checksum == row.get::<_, i64>(14)? {
            Ok(Self { delivery, previous, attempt })
        } else {
            Err(damaged())
        }
    }
}

impl Look<'_> {
    /// An attempt of this delivery.
    fn attempt(&self, delivery: Place, number: i64) -> Result<Stored, Fault> {
        let mut found = self.conn.prepare_cached(&format!("{SELECT_ATTEMPTS} WHERE number = ?1"))?;
        let stored = found.query_row([number], |row| Ok(Stored::read(row))).optional()?.transpose()?;
        let stored = stored.filter(|stored| stored.delivery == delivery);
        stored.ok_or_else(|| {
            Fault::Damaged(format!("attempts row {number} of delivery {} is missing", delivery.bits()))
        })
    }

    /// The attempts of a delivery, oldest first.
    pub(super) fn attempts(&self, row: &DeliveryRow) -> Result<Vec<Attempt>, Fault> {
        let mut attempts = Vec::new();
        let mut next = row.last_attempt;
        while let Some(number) = next {
            let stored = self.attempt(row.place, number)?;
            next = stored.previous.filter(|previous| *previous < number);
            attempts.push(stored.attempt);
        }
        attempts.reverse();
        Ok(attempts)
    }

    /// The newest attempt of a delivery, in short.
    pub(super) fn attempt_summary(&self, row: &DeliveryRow, number: i64) -> Result<AttemptSummary, Fault> {
        let Attempt { number, started_at, duration_ms, outcome, status_code, detail, .. } =
            self.attempt(row.place, number)?.attempt;
        Ok(AttemptSummary { number, started_at, duration_ms, outcome, status_code, detail })
    }
}
