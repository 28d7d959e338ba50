//! Before every route: whose key it is, and whose team.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cstar_store::StoreError;
use cstar_types::{Key, KeyId, TeamId, Timestamp};
use cstar_wire::Code;
use http::request::Parts;
use http::{Extensions, Method};
use subtle::ConstantTimeEq;

use super::credential::{Credential, unauthenticated};
use super::key_text::NotAKey;
use super::session::{self, BySession};
use super::{Access, Caller, Token};
use crate::error::{ApiError, ApiResult};
use crate::shared::Shared;

/// Lets a request through if its key is right and opens the path's team.
///
/// T24: a team key at any other team's path is told `wrong_team` and nothing else, whether that team or the rest of the
/// path exists or not.
pub(crate) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (mut request, body) = request.into_parts();
    match admit(&shared, &request).await {
        Ok(Some(admitted)) => admitted.note(&mut request.extensions),
        Ok(None) => {}
        Err(error) => return error.into_response(),
    }
    next.run(Request::from_parts(request, body)).await
}

/// Whom the guard lets through.
pub(crate) struct Admitted {
    caller: Caller,
    /// The path's, if it is one of a team.
    team: Option<TeamId>,
    by_session: bool,
}

impl Admitted {
    /// The caller at the path's team, if it has one.
    pub(crate) fn access(&self) -> Option<Access> {
        self.team.map(|team| Access { caller: self.caller.clone(), team })
    }

    /// Tells the route.
    fn note(self, extensions: &mut Extensions) {
        if let Some(access) = self.access() {
            extensions.insert(access);
        }
        if self.by_session {
            extensions.insert(BySession);
        }
        extensions.insert(self.caller);
    }
}

/// Who asks; `None` where nobody needs to show a key.
///
/// # Errors
/// Why the request is refused.
pub(crate) async fn admit(shared: &Shared, request: &Parts) -> ApiResult<Option<Admitted>> {
    let Some(path) = under_v1(request.uri.path()) else { return Ok(None) };
    if path == "/session" && request.method == Method::POST {
        return Ok(None); // what it shows stands in its body
    }
    let team = team_segment(path).map(str::parse::<TeamId>);
    let is_stream = is_stream(path);
    let query = request.uri.query().filter(|_| is_stream);
    let shown = Credential::of(&request.headers, query)?;
    let by_session = shown.is_none();
    let shown = shown.map_or_else(|| session::credential(request, shared.options()), Ok)?;
    let caller = match shown {
        Credential::Key { digest, key } => by_key(shared, &digest, key).await?,
        Credential::Token(text) => Caller::Token(Arc::new(by_token(shared, &text).await?)),
    };
    shared.rates.count(&caller, is_stream)?;
    let team = team.map(|team| opens(&caller, team.ok())).transpose()?;
    if matches!(caller, Caller::Token(_)) && !is_stream {
        return Err(ApiError::new(Code::MissingScope, "a realtime token opens its team's stream alone"));
    }
    if let Some(team) = team {
        shared.rates.count_for(team, &caller, is_stream)?;
    }
    Ok(Some(Admitted { caller, team, by_session }))
}

/// Whose key a text is, asked for elsewhere than in a header.
pub(crate) async fn caller_of(shared: &Shared, text: &str) -> ApiResult<Caller> {
    let Credential::Key { digest, key } = Credential::of_key(text) else {
        return Err(unauthenticated("this key is not known"));
    };
    let caller = by_key(shared, &digest, key).await?;
    shared.rates.count(&caller, false)?;
    Ok(caller)
}

/// What follows `/v1`.
fn under_v1(path: &str) -> Option<&str> {
    path.strip_prefix("/v1").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The raw text of `{team}`. An id has one spelling, so escapes in it are not undone: no team is called that.
fn team_segment(path: &str) -> Option<&str> {
    path.strip_prefix("/teams/")?.split('/').next()
}

/// Whether what follows `/v1` is a team's stream.
fn is_stream(path: &str) -> bool {
    path.strip_prefix("/teams/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(_, rest)| rest == "realtime")
}

/// The team, if `caller` opens it.
fn opens(caller: &Caller, team: Option<TeamId>) -> ApiResult<TeamId> {
    match (caller, team) {
        // The operator's log is no team's: the paths of notices alone open it.
        (Caller::Platform, team) => {
            team.filter(|team| *team != TeamId::OPERATOR).ok_or_else(ApiError::not_found)
        }
        (Caller::Key(key), Some(team)) if key.team == team => Ok(team),
        (Caller::Token(token), Some(team)) if token.team == team => Ok(team),
        (Caller::Key(_) | Caller::Token(_), _) => {
            Err(ApiError::new(Code::WrongTeam, "this key opens the paths of its own team alone"))
        }
    }
}

async fn by_key(shared: &Shared, shown: &[u8; 32], key: Result<KeyId, NotAKey>) -> ApiResult<Caller> {
    if same(shown, &shared.options().platform_key_digest) {
        return Ok(Caller::Platform);
    }
    let id = key.map_err(|error| match error {
        NotAKey::Foreign => unauthenticated("this key is not known"),
        NotAKey::Mistyped => unauthenticated("this key is not whole: characters are missing or changed"),
    })?;
    let (key, digest) = match shared.store().key(id).await {
        Ok(found) => found,
        Err(StoreError::NotFound) => return Err(unauthenticated("this key is not known")),
        Err(error) => return Err(error.into()),
    };
    if !same(shown, &digest) {
        return Err(unauthenticated("this key is not known"));
    }
    let now = shared.now();
    is_alive(&key, now)?;
    shared.key_uses.note(&shared.api.store, id, now);
    Ok(Caller::Key(Arc::new(key)))
}

/// SEC-2: a token dies with the key that made it.
async fn by_token(shared: &Shared, text: &str) -> ApiResult<Token> {
    let token = Token::read(text, shared.options());
    let token = token.ok_or_else(|| unauthenticated("this token is not one of this server's"))?;
    let now = shared.now();
    if token.expires_at <= now {
        return Err(ApiError::new(Code::TokenExpired, "this token has expired; get a new one"));
    }
    if let Some(maker) = token.maker {
        let (maker, _) = shared.store().key(maker).await?;
        is_alive(&maker, now)?;
    }
    Ok(token)
}

fn is_alive(key: &Key, now: Timestamp) -> ApiResult<()> {
    if key.revoked_at.is_some() {
        return Err(ApiError::new(Code::KeyRevoked, "this key was revoked; use another one"));
    }
    if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(ApiError::new(Code::TokenExpired, "this key has expired; use another one"));
    }
    Ok(())
}

/// In constant time: how much of a digest is right is not told.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_team_is_read_off_the_path_as_it_came() {
        assert_eq!(under_v1("/v1/teams"), Some("/teams"));
        assert_eq!(under_v1("/v1"), Some(""));
        assert_eq!(under_v1("/v10/teams"), None);
        assert_eq!(under_v1("/healthz"), None);
        assert_eq!(team_segment("/teams/a/events"), Some("a"));
        assert_eq!(team_segment("/teams/%61"), Some("%61"));
        assert_eq!(team_segment("/teams/"), Some(""));
        assert_eq!(team_segment("/teams"), None);
        assert_eq!(team_segment("/event-types/a"), None);
        assert!(is_stream("/teams/a/realtime"));
        for other in ["/teams/a/realtime/tokens", "/teams/a/realtime/", "/teams/realtime", "/teams/a/events"]
        {
            assert!(!is_stream(other), "{other}");
        }
    }
}
