//! `…/webhooks`.
//!
//! SEC-2: to a key, a webhook that gets more than the key sees does not exist. So a key makes, sees, changes and
//! deletes the webhooks whose patterns lie within its own, and a change leaves them there.

mod read;
mod secret;
mod stats;
mod test;

pub(super) use read::{generated, target};
pub(super) use secret::{end_overlap, rotate};
pub(crate) use stats::Counted;
pub(super) use stats::stats;
pub(super) use test::{send_now, test};

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cstar_store::{ListQuery, SecretText, StoreError};
use cstar_types::{Scope, Timestamp, Webhook, WebhookId};
use cstar_wire as wire;
use http::HeaderMap;

use crate::auth::{Access, By, PathId};
use crate::error::{ApiError, ApiResult};
use crate::etag::{IfMatch, etag};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// How often a change without `If-Match` is tried again when another one came in between.
const TRIES_MAX: usize = 5;

/// `POST …/webhooks`
pub(super) async fn create(
    State(shared): Api,
    access: Access,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::WebhooksWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let (now, limit) = (shared.now(), shared.options().webhooks_per_team);
    let id = WebhookId::from_uuid(shared.ids.next(now));
    let (webhook, secret) = read::new(&shared, &access, &body, id, now).await?;
    let kept = SecretText::new(secret.reveal().to_owned());
    let webhook = shared.by(&by).create_webhook(webhook, kept, limit).await?;
    let version = etag(webhook.version);
    let (seen, shown) = (wire::Webhook::seen_at(now, webhook), wire::ShownOnce::new(secret.reveal()));
    Ok(([version], answer::created(&wire::CreatedWebhook { seen, secret: shown })).into_response())
}

/// `GET …/webhooks`
pub(super) async fn list(State(shared): Api, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::WebhooksRead)?;
    let Range { after, before, limit } = Range::<WebhookId>::of(&query.only(&page::PARAMETERS)?)?;
    let page = shared.store().webhooks(access.team, ListQuery { from: after, limit }).await?;
    let mut page = page::end_before(page, |row| before.is_some_and(|before| row.id <= before));
    page.rows.retain(|webhook| access.caller.covers(&webhook.events));
    let now = shared.now();
    Ok(answer::ok(&page::list(page, |webhook| wire::Webhook::seen_at(now, webhook))))
}

/// `GET …/webhooks/{webhook}`
pub(super) async fn one(
    State(shared): Api,
    access: Access,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::WebhooksRead)?;
    Ok(shown(shared.now(), visible(&shared, &access, id).await?))
}

/// `PATCH …/webhooks/{webhook}`
pub(super) async fn update(
    State(shared): Api,
    access: Access,
    by: By,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::WebhooksWrite)?;
    let if_match = IfMatch::of(&headers)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    // Before anything is looked up: whether the URL is allowed says nothing of a webhook that the key cannot see.
    visible(&shared, &access, id).await?;
    let patch = read::change(&shared, &access, &body).await?;
    let mut edit = Edit { shared: &shared, access: &access, id, if_match, tries: 0 };
    loop {
        let seen = Some(edit.seen_version().await?);
        let changed = shared.by(&by).update_webhook(access.team, id, patch.clone(), seen, shared.now()).await;
        if let Some(changed) = edit.settled(changed)? {
            return Ok(shown(shared.now(), changed));
        }
    }
}

/// `DELETE …/webhooks/{webhook}`
pub(super) async fn delete(
    State(shared): Api,
    access: Access,
    by: By,
    PathId(id): PathId<WebhookId>,
    _: NoQuery,
    headers: HeaderMap,
) -> ApiResult {
    access.caller.needs(Scope::WebhooksWrite)?;
    let if_match = IfMatch::of(&headers)?;
    let mut edit = Edit { shared: &shared, access: &access, id, if_match, tries: 0 };
    loop {
        let seen = Some(edit.seen_version().await?);
        let deleted = shared.by(&by).delete_webhook(access.team, id, seen, shared.now()).await;
        if edit.settled(deleted)?.is_some() {
            return Ok(answer::no_content());
        }
    }
}

/// A change of the very version that was seen to lie within the caller's patterns.
///
/// SEC-2: were it not so, a webhook that somebody widens in between could be turned to the URL of a narrow key.
struct Edit<'a> {
    shared: &'a Shared,
    access: &'a Access,
    id: WebhookId,
    if_match: IfMatch,
    tries: usize,
}

impl Edit<'_> {
    /// The version to change.
    async fn seen_version(&mut self) -> ApiResult<u64> {
        let present = visible(self.shared, self.access, self.id).await?;
        self.if_match.admits(present.version)?;
        self.tries += 1;
        Ok(present.version)
    }

    /// What came of the change; `None` if somebody else's came first and this one is to be tried again.
    fn settled<T>(&self, changed: Result<T, StoreError>) -> ApiResult<Option<T>> {
        match changed {
            Err(StoreError::Changed) if self.tries < TRIES_MAX => Ok(None),
            changed => Ok(Some(changed?)),
        }
    }
}

/// A webhook within the caller's patterns; any other is as unknown as one that never was.
pub(super) async fn visible(shared: &Shared, access: &Access, id: WebhookId) -> ApiResult<Webhook> {
    let webhook = shared.store().webhook(access.team, id).await?;
    if access.caller.covers(&webhook.events) { Ok(webhook) } else { Err(ApiError::not_found()) }
}

fn shown(now: Timestamp, webhook: Webhook) -> Response {
    ([etag(webhook.version)], answer::ok(&wire::Webhook::seen_at(now, webhook))).into_response()
}
