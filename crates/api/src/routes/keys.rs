//! `…/keys`: a key sees, makes and revokes keys within its own scopes and patterns, and makes none that outlives it
//! (SEC-2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use cstar_store::ListQuery;
use cstar_types::limits::TEXT_MAX_CHARS;
use cstar_types::{Key, KeyId, Scope, Timestamp};
use cstar_wire::{self as wire, Code};
use http::HeaderMap;

use crate::auth::{Access, By, Caller, PathId, digest, write_key};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fault, Fields, instant, patterns, scopes, text};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// `POST …/keys`
pub(super) async fn create(
    State(shared): Api,
    access: Access,
    by: By,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs(Scope::KeysWrite)?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let now = shared.now();
    let id = KeyId::from_uuid(shared.ids.next(now));
    let key = read(&body, id, &access, now)?;
    let text = write_key(id, rand::random());
    shared.by(&by).create_key(key.clone(), digest(text.reveal())).await?;
    Ok(answer::created(&wire::CreatedKey { seen: key.into(), key: text }))
}

/// The key that a body asks for, within its maker's scopes, patterns and life (SEC-2).
fn read(body: &[u8], id: KeyId, access: &Access, now: Timestamp) -> ApiResult<Key> {
    let caller = &access.caller;
    let mut fields = Fields::read(body)?;
    let name = fields.required("name", text(1..=TEXT_MAX_CHARS));
    let scopes = fields.required("scopes", scopes);
    let types = fields.optional("types", patterns);
    let expires_at = fields.optional("expires_at", instant);
    if expires_at.is_some_and(|at| at <= now) {
        fields.fail("expires_at", vec![Fault::invalid("this is past; give a later instant")]);
    }
    // Unless said, it expires when its maker does, and never if that never does.
    let expires_at = expires_at.or(caller.expires_at());
    if let Some(end) = caller.expires_at()
        && expires_at.is_some_and(|at| at > end)
    {
        let fault = format!("the key that makes it expires at {end}; give no later instant, or none");
        fields.fail("expires_at", vec![Fault::invalid(fault)]);
    }
    let (name, scopes) = fields.finish(name.zip(scopes))?;
    if !caller.scopes().cover(scopes) {
        return Err(ApiError::field(
            Code::MissingScope,
            "/scopes",
            "a key makes none with scopes that it lacks",
        ));
    }
    // Unless said, it sees what its maker sees; with the platform key that is everything.
    let types = types.unwrap_or_else(|| caller.visible());
    if !caller.covers(&types) {
        return Err(ApiError::field(
            Code::OutsidePatterns,
            "/types",
            "a key makes none that sees more than itself",
        ));
    }
    Ok(Key {
        id,
        team: access.team,
        name,
        scopes,
        types,
        maker: None,
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    })
}

/// `GET …/keys`
pub(super) async fn list(State(shared): Api, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::KeysWrite)?;
    let Range { after, before, limit } = Range::<KeyId>::of(&query.only(&page::PARAMETERS)?)?;
    let page = shared.store().keys(access.team, ListQuery { from: after, limit }).await?;
    let mut page = page::end_before(page, |key| before.is_some_and(|before| key.id <= before));
    page.rows.retain(|key| is_within(&access.caller, key));
    Ok(answer::ok(&page::list(page, |key| {
        let used = shared.key_uses.of(key.id);
        wire::Key::from(Key { last_used_at: key.last_used_at.max(used), ..key })
    })))
}

/// `DELETE …/keys/{key}`
pub(super) async fn revoke(
    State(shared): Api,
    access: Access,
    by: By,
    PathId(id): PathId<KeyId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::KeysWrite)?;
    // It may be another team's: then the store does not find it below, which is answered the same (T24).
    let (key, _) = shared.store().key(id).await?;
    if !is_within(&access.caller, &key) {
        return Err(ApiError::not_found());
    }
    shared.by(&by).revoke_key(access.team, id, shared.now()).await?;
    Ok(answer::no_content())
}

/// Whether this key has no scope and no pattern beyond the caller's.
fn is_within(caller: &Caller, key: &Key) -> bool {
    caller.scopes().cover(key.scopes) && caller.covers(&key.types)
}
