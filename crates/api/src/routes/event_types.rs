//! `/v1/event-types`: the catalog. Every key reads it; the platform key adds to it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cstar_store::{Page, PutType};
use cstar_types::EventType;
use cstar_types::catalog::CatalogEntry;
use cstar_wire::{Code, EventTypeEntry};
use http::HeaderMap;
use serde_json::value::RawValue;

use crate::auth::{By, Caller, PathId};
use crate::catalog::{self, Known};
use crate::error::{ApiError, ApiResult};
use crate::etag::{IfMatch, etag};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// `GET /v1/event-types`
pub(super) async fn list(State(shared): Api, query: Query) -> ApiResult {
    let Range { after, before, limit } = Range::<EventType>::of(&query.only(&page::PARAMETERS)?)?;
    let mut rows = shared.catalog.all();
    if let Some(after) = after {
        let place = rows.iter().position(|known| *known.event_type() == after);
        let place = place.ok_or_else(|| ApiError::bad_query("`after`: there is no such event type"))?;
        rows.drain(..=place);
    }
    let next = rows.get(limit).map(|_| rows[limit - 1].event_type().clone());
    rows.truncate(limit);
    let page = page::end_before(Page { rows, next }, |known| Some(known.event_type()) == before.as_ref());
    Ok(answer::ok(&page::list(page, |known| shape_of(&known))))
}

/// `GET /v1/event-types/{type}`
pub(super) async fn one(State(shared): Api, PathId(event_type): PathId<EventType>, _: NoQuery) -> ApiResult {
    let known = shared.catalog.find(event_type.as_str()).ok_or_else(ApiError::not_found)?;
    Ok(with_version(known.version(), answer::ok(&shape_of(&known))))
}

/// `PUT /v1/event-types/{type}`
pub(super) async fn put(
    State(shared): Api,
    caller: Caller,
    by: By,
    PathId(name): PathId<String>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    caller.needs_platform()?;
    let event_type = addable(&name)?;
    let if_match = IfMatch::of(&headers)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let envelope_max_bytes = shared.options().envelope_max_bytes;
    // Compiling a schema takes long enough to be in the way of other requests.
    let reading = {
        let event_type = event_type.clone();
        tokio::task::spawn_blocking(move || catalog::read(event_type, &body, envelope_max_bytes))
    };
    let entry = reading.await.unwrap_or_else(|panic| Err(ApiError::internal(panic)))?;
    let expected = expected(&shared, &event_type, &if_match)?;
    let limit = shared.options().added_types;
    let PutType { added, is_new } =
        shared.by(&by).put_event_type(entry, limit, expected, shared.now()).await?;
    let shown = shape(&added.entry, false);
    let answer = if is_new { answer::created(&shown) } else { answer::ok(&shown) };
    Ok(with_version(Some(added.version), answer))
}

/// `DELETE /v1/event-types/{type}`: its events stay as they are; new ones are refused.
pub(super) async fn delete(
    State(shared): Api,
    caller: Caller,
    by: By,
    PathId(name): PathId<String>,
    _: NoQuery,
    headers: HeaderMap,
) -> ApiResult {
    caller.needs_platform()?;
    let event_type = addable(&name)?;
    let expected = expected(&shared, &event_type, &IfMatch::of(&headers)?)?;
    shared.by(&by).delete_event_type(event_type, expected).await?;
    Ok(answer::no_content())
}

/// A name that the platform may give to a type.
fn addable(name: &str) -> ApiResult<EventType> {
    let event_type: EventType = name.parse().map_err(|error| {
        ApiError::new(Code::InvalidField, format!("`{name}` cannot name an event type: {error}"))
    })?;
    if catalog::is_builtin(name) {
        return Err(ApiError::new(
            Code::Conflict,
            "this type is built in: it can be neither changed nor deleted",
        ));
    }
    Ok(event_type)
}

/// The version that the store must find, where one was asked for.
fn expected(shared: &Shared, event_type: &EventType, if_match: &IfMatch) -> ApiResult<Option<u64>> {
    let known = shared.catalog.find(event_type.as_str());
    let present = known.and_then(|known| known.version()).unwrap_or_default();
    if_match.admits(present)?;
    Ok(if_match.expects(present))
}

fn with_version(version: Option<u64>, answer: Response) -> Response {
    match version {
        Some(version) => ([etag(version)], answer).into_response(),
        None => answer,
    }
}

fn shape_of(known: &Known) -> EventTypeEntry {
    shape(known.entry(), known.version().is_none())
}

fn shape(entry: &CatalogEntry, builtin: bool) -> EventTypeEntry {
    let raw = |text: &String| RawValue::from_string(text.clone()).expect("the catalog holds canonical JSON");
    EventTypeEntry {
        event_type: entry.event_type.clone(),
        description: entry.description.clone(),
        fires_on: entry.fires_on.clone(),
        builtin,
        schema: raw(&entry.schema),
        example: raw(&entry.example),
    }
}
