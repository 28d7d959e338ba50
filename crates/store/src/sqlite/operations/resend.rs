//! Resending all that a filter matches.

use cstar_types::{ResendFilter, Timestamp};

use super::{may_reopen, unless_damaged};
use crate::operations::resent;
use crate::sqlite::deliveries::Judge;
use crate::sqlite::delivery_rows::DeliveryRow;
use crate::sqlite::fault::Fault;
use crate::sqlite::look::Look;
use crate::sqlite::operation_rows::OperationRow;
use crate::sqlite::resend::reopen;
use crate::sqlite::team_rows::TeamRow;
use crate::sqlite::tx::Tx;
use crate::stored::place::Place;
use crate::{DeliveryQuery, Order};

/// Reopens what the next slice holds.
pub(super) fn slice(
    tx: &mut Tx<'_>,
    operation: &mut OperationRow,
    filter: &ResendFilter,
    rows: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    let team = tx.look().team_numbered(operation.team_number)?;
    let query = resent(filter, &operation.operation.visible);
    let bounds = (operation.cursor, operation.last);
    let (found, mut judge) =
        look_for(tx.look(), &team, &query, bounds, rows, operation.operation.created_at)?;
    operation.operation.skipped += found.skipped;
    for row in found.rows {
        let webhook = judge.webhook(&row)?;
        reopen(tx, row, webhook, now)?;
        operation.operation.done += 1;
    }
    operation.reached(found.next, now);
    Ok(())
}

/// Counts what a slice behind a place would reopen; answers where the next begins, if there is more.
pub(in crate::sqlite) fn count(
    look: Look<'_>,
    team: &TeamRow,
    query: &DeliveryQuery,
    from: Option<Place>,
    rows: usize,
) -> Result<(u64, Option<Place>), Fault> {
    let (low, high) = look.delivery_bounds(team, query)?;
    let bounds = (from.unwrap_or(low), Place::new(team.number, high.count().saturating_sub(1)));
    let (found, _) = look_for(look, team, query, bounds, rows, Timestamp::from_millis(i64::MAX))?;
    Ok((found.rows.len() as u64, found.next))
}

/// What a slice holds.
#[derive(Default)]
struct Found {
    rows: Vec<DeliveryRow>,
    /// As many match, but cannot be reopened.
    skipped: u64,
    /// How far it looked, if there is more.
    next: Option<Place>,
}

/// Looks at about so many rows behind the first place, up to the last.
fn look_for<'a>(
    look: Look<'a>,
    team: &TeamRow,
    query: &DeliveryQuery,
    (after, last): (Place, Place),
    rows: usize,
    asked_at: Timestamp,
) -> Result<(Found, Judge<'a>), Fault> {
    let webhook = look.webhook_asked_for(team, query)?;
    let mut judge = Judge::new(look, query, webhook.flatten());
    let mut found = Found::default();
    let Some(webhook) = webhook else { return Ok((found, judge)) };
    let way = look.way(team, query, webhook)?;
    let mut list = look.conn.prepare_cached(way.sql(Order::Asc))?;
    let mut listed = way.rows(&mut list, after, last.next())?;
    let mut reached = after;
    for looked_at in 0.. {
        let Some(row) = listed.next()? else { break };
        if looked_at == rows {
            found.next = Some(reached);
            break;
        }
        reached = row.get(0)?;
        let judged = DeliveryRow::read(row).and_then(|row| {
            let may_reopen =
                judge.shows(&row)?.then(|| may_reopen(look, team, &row, judge.webhook(&row)?, asked_at));
            Ok(may_reopen.transpose()?.map(|may_reopen| (row, may_reopen)))
        });
        match unless_damaged(judged.map(Ok), Err(()))? {
            Ok(Some((row, true))) => found.rows.push(row),
            Ok(Some((_, false))) | Err(()) => found.skipped += 1,
            Ok(None) => {}
        }
    }
    Ok((found, judge))
}
