//! `…/webhooks/{webhook}/secret`: rotation with an overlap (T3).

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use cstar_store::{Rotation, SecretText};
use cstar_types::{Scope, WebhookId};
use cstar_wire as wire;
use http::HeaderMap;

use super::{Api, Edit, read};
use crate::auth::{Access, By, PathId};
use crate::error::ApiResult;
use crate::etag::{IfMatch, etag};
use crate::query::NoQuery;
use crate::{answer, body};

/// `POST …/webhooks/{webhook}/secret`
pub(crate) async fn rotate(
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
    let (secret, overlap) = read::rotation(&body)?;
    let mut edit = Edit { shared: &shared, access: &access, id, if_match, tries: 0 };
    loop {
        let (seen, now) = (Some(edit.seen_version().await?), shared.now());
        let kept = SecretText::new(secret.reveal().to_owned());
        let rotation = Rotation { secret: kept, overlap_until: Some(now.plus(overlap)) };
        let rotated = shared.by(&by).rotate_secret(access.team, id, rotation, seen, now).await;
        if let Some(webhook) = edit.settled(rotated)? {
            let shown = wire::RotatedSecret {
                id,
                secret: wire::ShownOnce::new(secret.reveal()),
                secret_overlap_until: webhook.overlap_at(now),
            };
            return Ok(([etag(webhook.version)], answer::ok(&shown)).into_response());
        }
    }
}

/// `DELETE …/webhooks/{webhook}/secret/previous`: where no overlap is open there is none to end, and that is no fault.
pub(crate) async fn end_overlap(
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
        let ended = shared.by(&by).end_overlap(access.team, id, seen, shared.now()).await;
        if edit.settled(ended)?.is_some() {
            return Ok(answer::no_content());
        }
    }
}
