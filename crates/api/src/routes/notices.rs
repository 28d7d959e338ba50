//! `/v1/notices`: the operator's URLs that hear what the server does by itself. With the platform key alone.
//!
//! They are the webhooks of the operator's log, [`TeamId::OPERATOR`], which no other path opens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use cstar_store::{ListQuery, SecretText};
use cstar_types::limits::{NOTICE_WEBHOOKS_MAX, TEXT_MAX_CHARS, URL_MAX_BYTES};
use cstar_types::{NoticeType, Patterns, TeamId, Timestamp, Webhook, WebhookId, WebhookStatus};
use cstar_wire::{self as wire, Code};
use http::HeaderMap;

use super::webhooks::{generated, send_now, target};
use crate::auth::{By, Caller, PathId};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, patterns, text};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// `POST /v1/notices`
pub(super) async fn create(
    State(shared): Api,
    caller: Caller,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    caller.needs_platform()?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let webhook = read(&shared, &body, shared.now()).await?;
    let secret = generated();
    let kept = SecretText::new(secret.reveal().to_owned());
    let webhook = shared.by(&by).create_webhook(webhook, kept, NOTICE_WEBHOOKS_MAX).await?;
    let shown = wire::ShownOnce::new(secret.reveal());
    Ok(answer::created(&wire::CreatedNoticeWebhook { seen: webhook.into(), secret: shown }))
}

/// The webhook that a body asks for.
async fn read(shared: &Shared, body: &[u8], now: Timestamp) -> ApiResult<Webhook> {
    let mut fields = Fields::read(body)?;
    let url = fields.required("url", text(1..=URL_MAX_BYTES));
    let types = fields.optional("types", patterns).unwrap_or_else(Patterns::all);
    let description = fields.optional("description", text(0..=TEXT_MAX_CHARS));
    let url = fields.finish(url)?;
    are_known(&types)?;
    Ok(Webhook {
        id: WebhookId::from_uuid(shared.ids.next(now)),
        team: TeamId::OPERATOR,
        url: target(shared, &url).await?,
        events: types,
        filter: None,
        description: description.unwrap_or_default(),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        failing_since: None,
        ordered: false,
        rate_limit: None,
        retry_schedule: None,
        headers: Vec::new(),
        disable_on_gone: false,
        secret_overlap_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Who asks for a notice that there is not would wait for it in vain.
fn are_known(types: &Patterns) -> ApiResult<()> {
    let known = NoticeType::ALL.map(NoticeType::event_type);
    match types.as_slice().iter().position(|pattern| !known.iter().any(|known| pattern.matches(known))) {
        None => Ok(()),
        Some(place) => Err(unknown(format!("/types/{place}"))),
    }
}

fn unknown(pointer: impl Into<String>) -> ApiError {
    let known = NoticeType::ALL.map(|known| format!("`{}`", known.as_str())).join(", ");
    ApiError::field(Code::UnknownEventType, pointer, format!("there is no such notice: there are {known}"))
}

/// `GET /v1/notices`
pub(super) async fn list(State(shared): Api, caller: Caller, query: Query) -> ApiResult {
    caller.needs_platform()?;
    let Range { after, before, limit } = Range::<WebhookId>::of(&query.only(&page::PARAMETERS)?)?;
    let page = shared.store().webhooks(TeamId::OPERATOR, ListQuery { from: after, limit }).await?;
    let page = page::end_before(page, |row| before.is_some_and(|before| row.id <= before));
    Ok(answer::ok(&page::list(page, wire::NoticeWebhook::from)))
}

/// `DELETE /v1/notices/{notice}`
pub(super) async fn delete(
    State(shared): Api,
    caller: Caller,
    by: By,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
) -> ApiResult {
    caller.needs_platform()?;
    shared.by(&by).delete_webhook(TeamId::OPERATOR, id, None, shared.now()).await?;
    Ok(answer::no_content())
}

/// `POST /v1/notices/{notice}/test`: an example sent now, and what came of it.
pub(super) async fn test(
    State(shared): Api,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    caller.needs_platform()?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let mut fields = Fields::read(&body)?;
    let asked = fields.optional("type", text(1..=TEXT_MAX_CHARS));
    fields.finish(Some(()))?;
    let webhook = shared.store().webhook(TeamId::OPERATOR, id).await?;
    let mut known = NoticeType::ALL.into_iter();
    let example = match asked {
        Some(name) => known.find(|known| known.as_str() == name),
        None => known.find(|known| webhook.events.matches(&known.event_type())),
    };
    let example = example.ok_or_else(|| unknown("/type"))?;
    let attempt = send_now(&shared, &webhook, example.event_type(), &example.example().data()).await?;
    Ok(answer::ok(&wire::Attempt::from(attempt)))
}
