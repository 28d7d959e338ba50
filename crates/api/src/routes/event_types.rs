//! `/v1/event-types`: the catalog, for every key.

use std::sync::Arc;

use axum::extract::State;
use cstar_store::Page;
use cstar_types::EventType;
use cstar_types::catalog::CatalogEntry;
use cstar_wire::EventTypeEntry;
use serde_json::value::RawValue;

use crate::answer;
use crate::auth::PathId;
use crate::error::{ApiError, ApiResult};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;

/// `GET /v1/event-types`
pub(super) async fn list(State(shared): State<Arc<Shared>>, query: Query) -> ApiResult {
    let Range { after, before, limit } = Range::<EventType>::of(&query.only(&page::PARAMETERS)?)?;
    let mut entries: Vec<&CatalogEntry> = shared.catalog.entries().collect();
    if let Some(after) = after {
        let place = entries.iter().position(|entry| entry.event_type == after);
        let place = place.ok_or_else(|| ApiError::bad_query("`after`: there is no such event type"))?;
        entries.drain(..=place);
    }
    let next = entries.get(limit).map(|_| entries[limit - 1].event_type.clone());
    entries.truncate(limit);
    let page =
        page::end_before(Page { rows: entries, next }, |entry| Some(&entry.event_type) == before.as_ref());
    Ok(answer::ok(&page::list(page, shape)))
}

/// `GET /v1/event-types/{type}`
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathId(event_type): PathId<EventType>,
    _: NoQuery,
) -> ApiResult {
    let known = shared.catalog.find(event_type.as_str()).ok_or_else(ApiError::not_found)?;
    Ok(answer::ok(&shape(known.entry)))
}

fn shape(entry: &CatalogEntry) -> EventTypeEntry {
    let raw = |text: &String| RawValue::from_string(text.clone()).expect("the catalog holds canonical JSON");
    EventTypeEntry {
        event_type: entry.event_type.clone(),
        description: entry.description.clone(),
        fires_on: entry.fires_on.clone(),
        schema: raw(&entry.schema),
        example: raw(&entry.example),
    }
}
