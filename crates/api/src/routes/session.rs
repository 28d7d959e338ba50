//! `/v1/session`: signing in to the settings page, and out of it.
//!
//! A session is an ordinary team key with an end, whose text goes into a cookie and nowhere else. So it is listed, revoked
//! and cut by patterns and scopes like any other (SEC-2).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cstar_store::{SessionKey, StoreError};
use cstar_types::{Actor, Key, KeyId};
use cstar_wire::{self as wire, Code};
use http::header::SET_COOKIE;
use http::{HeaderMap, Uri};

use super::portal_links::digest_of;
use crate::auth::{self, By, BySession, Caller, SESSION_LIFE, Whence, digest, write_key};
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fault, Fields, text};
use crate::query::NoQuery;
use crate::shared::Shared;
use crate::{answer, body};

type Api = State<Arc<Shared>>;

/// What the keys of sessions are called in lists.
const NAME: &str = "settings page";

/// Longer than any link or key.
const SECRET_MAX_CHARS: usize = 200;

/// What is shown to begin a session.
enum Shown {
    Link(String),
    Key(String),
}

/// `POST /v1/session`
pub(super) async fn create(
    State(shared): Api,
    whence: Whence,
    uri: Uri,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    auth::not_from_elsewhere(&uri, &headers, shared.options())?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let shown = read(&body)?;
    let id = KeyId::from_uuid(shared.ids.next(shared.now()));
    let text = write_key(id, rand::random());
    let key = match shown {
        Shown::Link(link) => by_link(&shared, &whence, &link, id, &text).await?,
        Shown::Key(maker) => by_key(&shared, &whence, &maker, id, &text).await?,
    };
    // A link is used up by now: its cookie is given even if the team's name cannot be read.
    let mut response = match session(&shared, key).await {
        Ok(session) => answer::created(&session),
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(SET_COOKIE, auth::cookie(&text, shared.options()));
    Ok(response)
}

/// Faults never repeat what was shown (SEC-3).
fn read(body: &[u8]) -> ApiResult<Shown> {
    let mut fields = Fields::read(body)?;
    let link = fields.optional("link", text(1..=SECRET_MAX_CHARS));
    let key = fields.optional("key", text(1..=SECRET_MAX_CHARS));
    let shown = match (link, key) {
        (Some(link), None) => Some(Shown::Link(link)),
        (None, Some(key)) => Some(Shown::Key(key)),
        _ => {
            fields.fail("link", vec![Fault::invalid("send either `link` or `key`")]);
            None
        }
    };
    fields.finish(shown)
}

async fn by_link(
    shared: &Shared,
    whence: &Whence,
    link: &str,
    id: KeyId,
    text: &wire::ShownOnce,
) -> ApiResult<Key> {
    let now = shared.now();
    let session =
        SessionKey { id, digest: digest(text.reveal()), name: NAME, now, expires_at: now.plus(SESSION_LIFE) };
    let exchanged = match digest_of(link) {
        // Who holds a link has no other name than that of the session that it makes.
        Some(link) => {
            let by = whence.author(Actor::Key(id), now);
            shared.store().by(by).exchange_link(link, session).await
        }
        None => Err(StoreError::NotFound),
    };
    exchanged.map_err(|error| match error {
        StoreError::NotFound => ApiError::new(
            Code::LinkInvalid,
            "this link was used, has expired, or is not whole; ask where you got it for a new one",
        ),
        error => error.into(),
    })
}

/// SEC-2: the session may do what its key may, ends when that does, and dies with it.
async fn by_key(
    shared: &Shared,
    whence: &Whence,
    shown: &str,
    id: KeyId,
    text: &wire::ShownOnce,
) -> ApiResult<Key> {
    let maker = match auth::caller_of(shared, shown).await? {
        Caller::Key(key) => key,
        Caller::Platform | Caller::Token(_) => {
            return Err(ApiError::field(Code::MissingScope, "/key", "sign in with a team's key"));
        }
    };
    // Revoking a key ends the sessions that it made and none that those would make.
    if maker.maker.is_some() {
        return Err(ApiError::new(
            Code::Unauthenticated,
            "this is the key of a session, which begins no other: sign in with the key that it began with, or with a link",
        ));
    }
    let now = shared.now();
    let end = now.plus(SESSION_LIFE);
    let key = Key {
        id,
        team: maker.team,
        name: NAME.to_owned(),
        scopes: maker.scopes,
        types: maker.types.clone(),
        maker: Some(maker.id),
        created_at: now,
        expires_at: Some(maker.expires_at.map_or(end, |of_maker| of_maker.min(end))),
        revoked_at: None,
        last_used_at: None,
    };
    let by = whence.author(Actor::Key(maker.id), now);
    shared.store().by(by).create_key(key.clone(), digest(text.reveal())).await?;
    Ok(key)
}

/// `GET /v1/session`
pub(super) async fn one(State(shared): Api, caller: Caller, _: NoQuery) -> ApiResult {
    match caller {
        Caller::Key(key) => Ok(answer::ok(&session(&shared, Key::clone(&key)).await?)),
        Caller::Platform | Caller::Token(_) => Err(no_session()),
    }
}

/// `DELETE /v1/session`
pub(super) async fn end(
    State(shared): Api,
    caller: Caller,
    by: By,
    by_session: Option<Extension<BySession>>,
    _: NoQuery,
) -> ApiResult {
    // A key in a header is its owner's, and is revoked where keys are.
    let (Caller::Key(key), Some(_)) = (caller, by_session) else { return Err(no_session()) };
    shared.by(&by).revoke_key(key.team, key.id, shared.now()).await?;
    let mut response: Response = answer::no_content();
    response.headers_mut().insert(SET_COOKIE, auth::no_cookie(shared.options()));
    Ok(response)
}

async fn session(shared: &Shared, key: Key) -> ApiResult<wire::Session> {
    let team = shared.store().team(key.team).await?;
    Ok(wire::Session { team_id: team.id, team_name: team.name, key: key.into() })
}

fn no_session() -> ApiError {
    ApiError::new(Code::NotFound, "there is no session; sign in with a link or a team's key")
}
