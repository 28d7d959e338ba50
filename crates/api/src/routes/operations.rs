//! `…/operations`, and the calls that begin one.
//!
//! SEC-2: an operation touches what its maker's key sees and nothing else, and to a key, one that was made by a key that
//! sees more does not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use cstar_store::{ListQuery, NewOperation};
use cstar_types::{Operation, OperationId, OperationWork, ResendFilter, Scope, Timestamp, WebhookId};
use cstar_wire::{self as wire, Code};
use http::HeaderMap;

use super::webhooks;
use crate::auth::{Access, By, PathId};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, boolean, ended_status, event_id, instant, patterns, webhook_id};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// `POST …/deliveries/resend`
pub(super) async fn resend(
    State(shared): Api,
    access: Access,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let (filter, dry_run) = read_resend(&body)?;
    if dry_run {
        let counted = shared.store().count_resend(access.team, filter, access.caller.visible()).await?;
        let cstar_store::ResendCount { deliveries, complete } = counted;
        return Ok(answer::ok(&wire::ResendCount { deliveries, complete }));
    }
    begin(&shared, &access, &by, OperationWork::Resend(filter)).await
}

fn read_resend(body: &[u8]) -> ApiResult<(ResendFilter, bool)> {
    let mut fields = Fields::read(body)?;
    let filter = ResendFilter {
        webhook: fields.optional("webhook", webhook_id),
        event: fields.optional("event", event_id),
        status: fields.optional("status", ended_status),
        types: fields.optional("types", patterns),
        since: fields.optional("since", instant),
        until: fields.optional("until", instant),
    };
    let dry_run = fields.optional("dry_run", boolean).unwrap_or(false);
    let (filter, dry_run) = fields.finish(Some((filter, dry_run)))?;
    if filter == ResendFilter::default() {
        let detail = "name at least one of webhook, status, types, event, since, until";
        return Err(ApiError::field(Code::InvalidField, "", detail));
    }
    Ok((filter, dry_run))
}

/// `POST …/webhooks/{webhook}/recover`
pub(super) async fn recover(
    State(shared): Api,
    access: Access,
    by: By,
    PathId(webhook): PathId<WebhookId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let (since, until) = read_range(&body)?;
    webhooks::visible(&shared, &access, webhook).await?;
    begin(&shared, &access, &by, OperationWork::Recover { webhook, since, until }).await
}

fn read_range(body: &[u8]) -> ApiResult<(Timestamp, Option<Timestamp>)> {
    let mut fields = Fields::read(body)?;
    let since = fields.required("since", instant);
    let until = fields.optional("until", instant);
    let since = fields.finish(since)?;
    Ok((since, until))
}

async fn begin(shared: &Shared, access: &Access, by: &By, work: OperationWork) -> ApiResult {
    let now = shared.now();
    let id = OperationId::from_uuid(shared.ids.next(now));
    let operation = NewOperation { id, team: access.team, work, visible: access.caller.visible() };
    let begun = shared.by(by).begin(operation, now).await?;
    Ok(answer::accepted(&wire::Operation::from(begun)))
}

/// `GET …/operations`
pub(super) async fn list(State(shared): Api, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    let Range { after, before, limit } = Range::<OperationId>::of(&query.only(&page::PARAMETERS)?)?;
    let page = shared.store().operations(access.team, ListQuery { from: after, limit }).await?;
    let mut page = page::end_before(page, |row| before.is_some_and(|before| row.id <= before));
    page.rows.retain(|operation| access.caller.covers(&operation.visible));
    Ok(answer::ok(&page::list(page, wire::Operation::from)))
}

/// `GET …/operations/{operation}`
pub(super) async fn one(
    State(shared): Api,
    access: Access,
    PathId(id): PathId<OperationId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    Ok(answer::ok(&wire::Operation::from(visible(&shared, &access, id).await?)))
}

/// `DELETE …/operations/{operation}`
pub(super) async fn cancel(
    State(shared): Api,
    access: Access,
    by: By,
    PathId(id): PathId<OperationId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    visible(&shared, &access, id).await?;
    shared.by(&by).cancel_operation(access.team, id, shared.now()).await?;
    Ok(answer::no_content())
}

/// An operation within the caller's patterns; any other is as unknown as one that never was.
async fn visible(shared: &Shared, access: &Access, id: OperationId) -> ApiResult<Operation> {
    let operation = shared.store().operation(access.team, id).await?;
    if access.caller.covers(&operation.visible) { Ok(operation) } else { Err(ApiError::not_found()) }
}
