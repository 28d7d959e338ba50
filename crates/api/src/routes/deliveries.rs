//! `…/deliveries`: the webhook logs (W54), cut by the types that the key sees (SEC-2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use cstar_store::{DeliveryQuery, StoreError, TypeFilter};
use cstar_types::{Attempt, Delivery, DeliveryId, EventId, Patterns, Scope, WebhookId};
use cstar_wire::{DeliveryDetail, DeliveryRow};
use http::HeaderMap;

use super::{events, webhooks};
use crate::auth::{Access, By, PathId};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, webhook_id};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

const PARAMETERS: [&str; 9] =
    ["limit", "after", "before", "webhook", "status", "types", "event", "since", "until"];

/// `GET …/deliveries`
pub(super) async fn list(State(shared): State<Arc<Shared>>, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::DeliveriesRead)?;
    let query = query.only(&PARAMETERS)?;
    let Range { after, before, limit } = Range::<DeliveryId>::of(&query)?;
    let wanted = DeliveryQuery {
        filter: TypeFilter { visible: access.caller.visible(), wanted: query.patterns("types")? },
        webhook: query.get("webhook", str::parse)?,
        event: query.get("event", str::parse)?,
        status: query.get("status", str::parse)?,
        since: query.instant("since")?,
        until: query.instant("until")?,
        from: after,
        limit,
    };
    let page = shared.store().deliveries(access.team, wanted).await?;
    let reached = |id: DeliveryId| before.is_some_and(|before| id <= before);
    let mut page = page::end_before(page, |row| reached(row.id));
    // Rows that the filter left out may lie past the end as well.
    page.next = page.next.filter(|next| !reached(*next));
    Ok(answer::ok(&page::list(page, DeliveryRow::from)))
}

/// `GET …/deliveries/{delivery}`
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    access: Access,
    PathId(id): PathId<DeliveryId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesRead)?;
    let mut detail = DeliveryDetail::from(visible(&shared, &access, id).await?);
    if !reads_webhook(&shared, &access, detail.webhook_id).await? {
        detail.attempts.iter_mut().for_each(|attempt| attempt.request = None);
    }
    Ok(answer::ok(&detail))
}

/// Whether the caller may know where a webhook points: a URL can hold a secret (SEC-2). One that is deleted could have
/// had any pattern.
pub(super) async fn reads_webhook(shared: &Shared, access: &Access, id: WebhookId) -> ApiResult<bool> {
    if access.caller.needs(Scope::WebhooksRead).is_err() {
        return Ok(false);
    }
    match shared.store().webhook(access.team, id).await {
        Ok(webhook) => Ok(access.caller.covers(&webhook.events)),
        Err(StoreError::NotFound) => Ok(access.caller.covers(&Patterns::all())),
        Err(error) => Err(error.into()),
    }
}

/// `POST …/deliveries/{delivery}/resend`
pub(super) async fn resend(
    State(shared): State<Arc<Shared>>,
    access: Access,
    by: By,
    PathId(id): PathId<DeliveryId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    visible(&shared, &access, id).await?;
    let reopened = shared.by(&by).resend(access.team, id, shared.now()).await?;
    Ok(answer::ok(&DeliveryRow::from(reopened)))
}

/// `POST …/events/{event}/resend`. SEC-2: of an event that the caller sees, to a webhook that gets no more than that.
pub(super) async fn deliver(
    State(shared): State<Arc<Shared>>,
    access: Access,
    by: By,
    PathId(event): PathId<EventId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::DeliveriesWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let mut fields = Fields::read(&body)?;
    let webhook = fields.required("webhook", webhook_id);
    let webhook = fields.finish(webhook)?;
    events::visible(&shared, &access, event).await?;
    webhooks::visible(&shared, &access, webhook).await?;
    let delivery = shared.by(&by).deliver(access.team, event, webhook, shared.now()).await?;
    Ok(answer::ok(&DeliveryRow::from(delivery)))
}

/// A delivery of an event that the caller sees; any other is as unknown as one that never was (SEC-2).
async fn visible(shared: &Shared, access: &Access, id: DeliveryId) -> ApiResult<(Delivery, Vec<Attempt>)> {
    let seen = shared.store().delivery(access.team, id).await?;
    if access.caller.sees(&seen.0.event_type) { Ok(seen) } else { Err(ApiError::not_found()) }
}
