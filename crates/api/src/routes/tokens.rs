//! `…/realtime/tokens`: short-lived tokens for browsers (T17).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use cstar_types::Scope;
use cstar_wire::{self as wire, Code};
use http::HeaderMap;

use crate::auth::{Access, LIFE_DEFAULT, LIFE_MAX, Token};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, patterns, whole_number};
use crate::query::NoQuery;
use crate::shared::Shared;
use crate::{answer, body};

/// `POST …/realtime/tokens`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    access: Access,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    let caller = &access.caller;
    caller.needs(Scope::EventsRead)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let mut fields = Fields::read(&body)?;
    let types = fields.optional("types", patterns);
    let life = fields.optional("ttl_seconds", whole_number(1..=LIFE_MAX.as_secs()));
    fields.finish(Some(()))?;
    // Unless said, it sees what its maker sees.
    let types = types.unwrap_or_else(|| caller.visible());
    if !caller.covers(&types) {
        let detail = "a token sees no more than the key that makes it";
        return Err(ApiError::field(Code::OutsidePatterns, "/types", detail));
    }
    // With the platform key, the team may be unknown.
    shared.store().team(access.team).await?;
    let life = life.map_or(LIFE_DEFAULT, Duration::from_secs);
    let token = Token::of(caller, access.team, types, life, shared.now());
    let text = wire::ShownOnce::new(token.write(shared.options()));
    Ok(answer::created(&wire::CreatedToken { token: text, expires_at: token.expires_at }))
}
