//! `GET …/events`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, BytesMut};
use cstar_store::{EventQuery, Order, Page, TypeFilter};
use cstar_types::{Entry, EventId, Position, Scope};
use cstar_wire::Code;
use cstar_wire::header::POSITION;
use http::{HeaderName, StatusCode};

use super::publish::position;
use crate::answer;
use crate::auth::{Access, By, PathId};
use crate::error::{ApiError, ApiResult};
use crate::page;
use crate::query::{NoQuery, Query};
use crate::shared::Shared;

const POSITION_HEADER: HeaderName = HeaderName::from_static(POSITION);

const PARAMETERS: [&str; 7] = ["limit", "after", "before", "types", "since", "until", "order"];

/// The most bytes of envelopes in one page: two hundred of the largest would be twenty megabytes for each who asks.
const PAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// `GET …/events/{event}`: the envelope, and where it stands.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    access: Access,
    PathId(id): PathId<EventId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::EventsRead)?;
    let entry = visible(&shared, &access, id).await?;
    let answer = answer::json_bytes(StatusCode::OK, entry.event.body);
    Ok(([(POSITION_HEADER, position(entry.position))], answer).into_response())
}

/// `DELETE …/events/{event}/data`: for the platform key alone, since nobody can take it back.
pub(super) async fn erase(
    State(shared): State<Arc<Shared>>,
    access: Access,
    by: By,
    PathId(id): PathId<EventId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs_platform()?;
    shared.by(&by).erase(access.team, id).await?;
    Ok(answer::no_content())
}

/// An event that the caller sees; any other is as unknown as one that never was (SEC-2).
pub(super) async fn visible(shared: &Shared, access: &Access, id: EventId) -> ApiResult<Entry> {
    let entry = shared.store().event(access.team, id).await?;
    if access.caller.sees(&entry.event.event_type) { Ok(entry) } else { Err(ApiError::not_found()) }
}

/// `GET …/events`
pub(super) async fn list(State(shared): State<Arc<Shared>>, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::EventsRead)?;
    let query = query.only(&PARAMETERS)?;
    let order = query.get("order", order)?.unwrap_or_default();
    let epoch = shared.store().ends(access.team).await?.epoch;
    let before = seq(&shared, &access, epoch, &query, "before").await?;
    let wanted = EventQuery {
        filter: TypeFilter { visible: access.caller.visible(), wanted: query.patterns("types")? },
        since: query.instant("since")?,
        until: query.instant("until")?,
        order,
        from: seq(&shared, &access, epoch, &query, "after").await?,
        limit: page::limit(&query)?,
    };
    let reached = |seq| {
        before.is_some_and(|before| match order {
            Order::Desc => seq <= before,
            Order::Asc => seq >= before,
        })
    };
    let events = shared.store().events(access.team, wanted).await?;
    let mut page = page::end_before(events, |entry| reached(entry.position.seq));
    // Rows that the filter left out may lie past the end as well.
    page.next = page.next.filter(|next| !reached(*next));
    Ok(envelopes(&within(page, PAGE_MAX_BYTES), epoch))
}

/// Ends a page before it is too large, though not before its first row.
fn within(mut page: Page<Entry, u64>, max_bytes: usize) -> Page<Entry, u64> {
    let mut bytes = 0;
    let fitting = page.rows.iter().take_while(|entry| {
        bytes += entry.event.body.len();
        bytes <= max_bytes
    });
    let fitting = fitting.count().max(1);
    if fitting < page.rows.len() {
        page.rows.truncate(fitting);
        page.next = page.rows.last().map(|last| last.position.seq);
    }
    page
}

fn order(text: &str) -> Result<Order, &'static str> {
    match text {
        "asc" => Ok(Order::Asc),
        "desc" => Ok(Order::Desc),
        _ => Err("write asc or desc"),
    }
}

/// The seq that a position, which `next` is too, or an event's id names.
///
/// LOG-2: a position of before a restore names another event now, or none yet: who went on from it would miss what stands
/// there without a word.
async fn seq(
    shared: &Shared,
    access: &Access,
    epoch: u32,
    query: &Query,
    name: &'static str,
) -> ApiResult<Option<u64>> {
    let Some(text) = query.text(name) else { return Ok(None) };
    if let Ok(position) = text.parse::<Position>() {
        if position.epoch == epoch {
            return Ok(Some(position.seq));
        }
        return Err(ApiError::bad_query(format!(
            "`{name}` is a position of before the log was restored from a backup; begin again without it"
        )));
    }
    let unknown =
        || ApiError::bad_query(format!("`{name}` is a position, the id of an event that is kept, or `next`"));
    let id = text.parse().map_err(|_| unknown())?;
    match visible(shared, access, id).await {
        Ok(entry) => Ok(Some(entry.position.seq)),
        Err(error) if error.code() == Code::NotFound => Err(unknown()),
        Err(error) => Err(error),
    }
}

/// `{data: [envelope, …], has_more, next}`, the envelopes as they were stored (T9).
fn envelopes(page: &Page<Entry, u64>, epoch: u32) -> Response {
    let bodies: usize = page.rows.iter().map(|entry| entry.event.body.len() + 1).sum();
    let mut body = BytesMut::with_capacity(bodies + 64);
    body.put_slice(b"{\"data\":[");
    for (place, entry) in page.rows.iter().enumerate() {
        body.put_slice(if place == 0 { b"" } else { b"," });
        body.put_slice(&entry.event.body);
    }
    let end = match page.next {
        Some(next) => format!("],\"has_more\":true,\"next\":\"{}\"}}", Position::new(epoch, next)),
        None => "],\"has_more\":false,\"next\":null}".to_owned(),
    };
    body.put_slice(end.as_bytes());
    answer::json_bytes(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use cstar_types::{Event, TeamId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn entry(seq: u64) -> Entry {
        let (id, team) = (EventId::from_bits(seq.into(), false), TeamId::from_uuid(Uuid::nil()));
        let event = Event::new(id, "boss.spawned".parse().unwrap(), team, Timestamp::default(), b"{}");
        Entry { position: Position::new(1, seq), event }
    }

    #[test]
    fn a_large_page_ends_early_and_goes_on_behind_its_last_row() {
        let page = || Page { rows: vec![entry(9), entry(8), entry(7)], next: Some(5) };
        let each = entry(1).event.body.len();
        for (max_bytes, rows, next) in
            [(3 * each, 3, 5), (3 * each - 1, 2, 8), (each, 1, 9), (1, 1, 9), (usize::MAX, 3, 5)]
        {
            let page = within(page(), max_bytes);
            assert_eq!((page.rows.len(), page.next), (rows, Some(next)), "{max_bytes}");
        }
        let empty = Page { rows: Vec::new(), next: None };
        assert_eq!(within(empty.clone(), 1), empty);
    }
}
