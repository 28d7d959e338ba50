//! Who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use cstar_types::{EventType, Key, Patterns, Scope, Scopes, Timestamp};
use cstar_wire::Code;
use http::request::Parts;

use super::Token;
use crate::error::{ApiError, ApiResult};

/// Who asks.
///
/// SEC-2: what a caller reads, publishes or makes is cut by its patterns and scopes, and every route asks here. The
/// platform key belongs to the application itself and is not cut.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// The platform key.
    Platform,
    /// A team's key.
    Key(Arc<Key>),
    /// A realtime token; the guard lets it through to its team's stream alone.
    Token(Arc<Token>),
}

impl Caller {
    /// Refuses a key without this scope.
    pub(crate) fn needs(&self, scope: Scope) -> ApiResult<()> {
        if self.scopes().has(scope) {
            return Ok(());
        }
        Err(ApiError::new(Code::MissingScope, format!("this needs a key with the scope `{scope}`")))
    }

    /// Refuses every team key.
    pub(crate) fn needs_platform(&self) -> ApiResult<()> {
        match self {
            Self::Platform => Ok(()),
            Self::Key(_) | Self::Token(_) => {
                Err(ApiError::new(Code::MissingScope, "this takes the platform key alone"))
            }
        }
    }

    /// Whether it sees events of this type.
    pub(crate) fn sees(&self, event_type: &EventType) -> bool {
        match self {
            Self::Platform => true,
            Self::Key(key) => key.types.matches(event_type),
            Self::Token(token) => token.types.matches(event_type),
        }
    }

    /// Whether it sees every type that `patterns` mean.
    pub(crate) fn covers(&self, patterns: &Patterns) -> bool {
        match self {
            Self::Platform => true,
            Self::Key(key) => key.types.cover(patterns),
            Self::Token(token) => token.types.cover(patterns),
        }
    }

    /// The scopes that what it makes may have.
    pub(crate) fn scopes(&self) -> Scopes {
        match self {
            Self::Platform => Scopes::all(),
            Self::Key(key) => key.scopes,
            Self::Token(_) => [Scope::EventsRead].into_iter().collect(),
        }
    }

    /// When it opens nothing any more, if ever.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Platform => None,
            Self::Key(key) => key.expires_at,
            Self::Token(token) => Some(token.expires_at),
        }
    }

    /// The types that it sees.
    pub(crate) fn visible(&self) -> Patterns {
        match self {
            Self::Platform => Patterns::all(),
            Self::Key(key) => key.types.clone(),
            Self::Token(token) => token.types.clone(),
        }
    }
}

/// The [guard](super::guard) has put it there.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let caller = parts.extensions.get::<Self>();
        caller.cloned().ok_or_else(|| ApiError::internal("a route outside /v1 asks for its caller"))
    }
}
