//! Attempts on their way: in the directory each leads to the one before it, there they are counted from the first.

use rusqlite::types::Value;
use rusqlite::{Connection, Statement};

use super::rows::Rows;
use super::tables::{Column, fault};
use crate::StoreError;

/// Deliveries that have attempts: where they are and will be, and the newest attempt.
const DELIVERIES: &str =
    "SELECT place, place >> 40, place & 1099511627775, created_ms / 86400000, last_attempt
     FROM deliveries WHERE last_attempt IS NOT NULL ORDER BY place";
/// The one before it, and what goes along as it is.
const ATTEMPT: &str =
    "SELECT previous, count, started_ms, duration_ms, outcome, status_code, detail, response_headers,
         response_body, url, address, signature
     FROM attempts WHERE number = ?1 AND delivery = ?2";

/// Writes the attempts of all deliveries, each delivery's from the oldest on.
pub(super) fn write(
    conn: &Connection,
    columns: &[Column],
    rows: &mut Rows,
    told: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let mut deliveries = conn.prepare(DELIVERIES).map_err(fault)?;
    let mut attempt = conn.prepare(ATTEMPT).map_err(fault)?;
    let mut found = deliveries.query(()).map_err(fault)?;
    while let Some(row) = found.next().map_err(fault)? {
        let number = |at| row.get::<_, i64>(at).map_err(fault);
        let chain = chain(&mut attempt, number(0)?, number(4)?)?;
        for (at, values) in chain.into_iter().rev().enumerate() {
            let of_delivery = [number(1)?, number(2)?, at as i64 + 1, number(3)?].map(Value::Integer);
            told(rows.row(columns.len())?);
            for ((_, kind), value) in columns.iter().zip(of_delivery.iter().chain(&values)) {
                rows.value(*kind, value.into())?;
            }
        }
    }
    Ok(())
}

/// What is kept of each attempt of a delivery, from the newest on.
fn chain(attempt: &mut Statement<'_>, delivery: i64, newest: i64) -> Result<Vec<Vec<Value>>, StoreError> {
    let mut chain = Vec::new();
    let mut next = Some(newest);
    while let Some(number) = next {
        let read = attempt.query_row([number, delivery], |row| {
            let values = (1..12).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>()?;
            Ok((row.get::<_, Option<i64>>(0)?, values))
        });
        let (previous, values) = read.map_err(fault)?;
        chain.push(values);
        next = previous.filter(|previous| *previous < number);
    }
    Ok(chain)
}
