//! By whom and from where something is changed, for the audit log.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use cstar_types::{Actor, Author, Timestamp};
use cstar_wire::header::REQUEST_ID;
use http::request::Parts;

use super::Caller;
use crate::client_address::ClientAddress;
use crate::error::{ApiError, ApiResult};

/// From where a request comes, and which it is. The [edge](crate::edge) has put both there.
#[derive(Debug, Clone)]
pub(crate) struct Whence {
    address: Option<IpAddr>,
    request_id: String,
}

impl Whence {
    /// This one, who asks in this request.
    pub(crate) fn author(&self, actor: Actor, now: Timestamp) -> Author {
        let Self { address, request_id } = self.clone();
        Author { actor, at: now, address, request_id }
    }
}

impl<S: Sync> FromRequestParts<S> for Whence {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
        let request_id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        Ok(Self { address, request_id: request_id.unwrap_or_default().to_owned() })
    }
}

/// Who asks for a change. A route that changes something takes it, and changes it through
/// [`Shared::by`](crate::shared::Shared::by).
#[derive(Debug, Clone)]
pub(crate) struct By {
    actor: Actor,
    whence: Whence,
}

impl By {
    /// The author of a change that is made now.
    pub(crate) fn author(&self, now: Timestamp) -> Author {
        self.whence.author(self.actor, now)
    }
}

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let actor = match parts.extensions.get::<Caller>() {
            Some(Caller::Platform) => Actor::Platform,
            Some(Caller::Key(key)) => Actor::Key(key.id),
            Some(Caller::Token(_)) | None => {
                return Err(ApiError::internal("a change is asked for without a key"));
            }
        };
        let Ok(whence) = Whence::from_request_parts(parts, state).await;
        Ok(Self { actor, whence })
    }
}
