//! `/v1/teams`: for the platform key alone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use cstar_store::{ListQuery, StoreError};
use cstar_types::limits::TEXT_MAX_CHARS;
use cstar_types::{Team, TeamId};
use cstar_wire as wire;
use http::HeaderMap;

use crate::answer;
use crate::auth::{Access, By, Caller};
use crate::body::{self, Received};
use crate::error::{ApiError, ApiResult};
use crate::etag::{IfMatch, etag};
use crate::fields::{Fields, team_id, text};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;

type Api = State<Arc<Shared>>;

/// `POST /v1/teams`
pub(super) async fn create(
    State(shared): Api,
    caller: Caller,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    caller.needs_platform()?;
    let body = read(&shared, &headers, body).await?;
    let mut fields = Fields::read(&body)?;
    let name = fields.required("name", text(1..=TEXT_MAX_CHARS));
    let id = fields.optional("id", team_id);
    let name = fields.finish(name)?;
    let now = shared.now();
    let id = id.unwrap_or_else(|| TeamId::from_uuid(shared.ids.next(now)));
    let team = shared.by(&by).create_team(Team { id, name, version: 1, created_at: now }).await?;
    let version = etag(team.version);
    Ok(([version], answer::created(&wire::Team::from(team))).into_response())
}

/// `GET /v1/teams`
pub(super) async fn list(State(shared): Api, caller: Caller, query: Query) -> ApiResult {
    caller.needs_platform()?;
    let Range { after, before, limit } = Range::<TeamId>::of(&query.only(&page::PARAMETERS)?)?;
    let teams = match shared.store().teams(ListQuery { from: after, limit }).await {
        // Teams have the application's own ids, which say nothing of their order.
        Err(StoreError::NotFound) => return Err(ApiError::bad_query("`after`: there is no such team")),
        teams => page::end_before(teams?, |team| Some(team.id) == before),
    };
    Ok(answer::ok(&page::list(teams, wire::Team::from)))
}

/// `GET /v1/teams/{team}`
pub(super) async fn one(State(shared): Api, access: Access, _: NoQuery) -> ApiResult {
    access.caller.needs_platform()?;
    let team = shared.store().team(access.team).await?;
    Ok(([etag(team.version)], answer::ok(&wire::Team::from(team))).into_response())
}

/// `PATCH /v1/teams/{team}`
pub(super) async fn update(
    State(shared): Api,
    access: Access,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs_platform()?;
    let if_match = IfMatch::of(&headers)?;
    let body = read(&shared, &headers, body).await?;
    let mut fields = Fields::read(&body)?;
    let name = fields.changed("name", text(1..=TEXT_MAX_CHARS));
    fields.finish(Some(()))?;
    let present = shared.store().team(access.team).await?;
    if_match.admits(present.version)?;
    let expected = if_match.expects(present.version);
    let team = match name {
        Some(name) => shared.by(&by).rename_team(access.team, name, expected).await?,
        None => present,
    };
    Ok(([etag(team.version)], answer::ok(&wire::Team::from(team))).into_response())
}

/// `DELETE /v1/teams/{team}`
pub(super) async fn delete(
    State(shared): Api,
    access: Access,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
) -> ApiResult {
    access.caller.needs_platform()?;
    let if_match = IfMatch::of(&headers)?;
    let present = shared.store().team(access.team).await?;
    if_match.admits(present.version)?;
    shared.by(&by).delete_team(access.team, if_match.expects(present.version)).await?;
    Ok(answer::no_content())
}

async fn read(shared: &Shared, headers: &HeaderMap, body: Body) -> ApiResult<Received> {
    shared.intake.read(headers, body, body::CONTROL_MAX_BYTES).await
}
