//! A caller at a team's path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use cstar_types::TeamId;
use http::request::Parts;

use super::Caller;
use crate::error::{ApiError, ApiResult};

/// A caller that may open the path's team. A team key's team is there; with the platform key it may be unknown, which
/// the store says.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) caller: Caller,
    pub(crate) team: TeamId,
}

/// The [guard](super::guard) has put it there.
impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let access = parts.extensions.get::<Self>();
        access.cloned().ok_or_else(|| ApiError::internal("a route without a team asks for it"))
    }
}

/// The last parameter of the path. What cannot be an id is as unknown as an id that never was.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await.ok();
        let last = params.as_ref().and_then(|params| params.iter().last());
        let id = last.and_then(|(_, text)| text.parse().ok());
        id.map(Self).ok_or_else(ApiError::not_found)
    }
}
