//! The attempts of a delivery.

use cstar_types::{Attempt, AttemptRequest, Outcome, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::delivery_rows::DeliveryRow;
use super::fault::Fault;
use super::tx::Tx;

const OF_DELIVERY: &str =
    "SELECT count, started_ms, duration_ms, outcome, status_code, detail, response_headers, response_body,
         url, address, signature
     FROM attempts WHERE team = $1 AND delivery = $2 AND day = $3 ORDER BY place";

impl Tx {
    /// The attempts of a delivery, oldest first.
    pub(super) async fn attempts(&self, of: &DeliveryRow) -> Result<Vec<Attempt>, Fault> {
        let at = [
            (&of.place.team as _, Type::INT8),
            (&of.place.number as _, Type::INT8),
            (&of.place.day as _, Type::INT4),
        ];
        let rows = self.rows(OF_DELIVERY, &at).await?;
        rows.iter().map(|row| read(row).ok_or_else(|| Fault::damaged("attempts", of.id()))).collect()
    }
}

fn read(row: &Row) -> Option<Attempt> {
    let text = |at| String::from_utf8(row.get(at)).ok();
    let headers: &[u8] = row.get(6);
    Some(Attempt {
        number: row.get::<_, i32>(0) as u32,
        started_at: Timestamp::from_millis(row.get(1)),
        duration_ms: row.get::<_, i64>(2) as u32,
        outcome: *Outcome::ALL.get(row.get::<_, i16>(3) as usize)?,
        status_code: row.get::<_, Option<i32>>(4).map(|code| code as u16),
        detail: text(5)?,
        response_headers: if headers.is_empty() {
            Vec::new()
        } else {
            serde_json::from_slice(headers).ok()?
        },
        response_body: text(7)?,
        request: AttemptRequest { url: row.get(8), address: row.get(9), signature: row.get(10) },
    })
}
