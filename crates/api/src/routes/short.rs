//! The short way of a publish.
//!
//! A publish is what there are most of, and what the router does around it costs more than the publish itself: each layer
//! clones what lies within, puts its future and the body into boxes, and passes on through the request's extensions what the
//! next one takes out again. So a publish does not go through the router. It meets the same functions in the same order, and
//! is answered by the same code.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body::Body;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::{publish, takes_answers};
use crate::auth::{self, Access};
use crate::browser;
use crate::client_address::Peer;
use crate::edge::Visit;
use crate::error::{ApiError, ApiResult};
use crate::query::NoQuery;
use crate::shared::Shared;

/// The path of a publish, as the router knows it.
pub(super) const PUBLISH: &str = "/v1/teams/{team}/events";

/// Answers publishes.
pub(crate) struct ShortWay {
    shared: Arc<Shared>,
    cors: Option<CorsLayer>,
}

impl ShortWay {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { cors: shared.options().origins.cors(), shared }
    }

    /// Whether a request goes this way. What the router reads otherwise, it gets.
    pub(crate) fn takes(method: &Method, path: &str) -> bool {
        method == Method::POST && is_publish(path)
    }

    /// What the router would answer.
    pub(crate) async fn answer<B>(&self, peer: Option<Peer>, request: Request<B>) -> Response
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let visit = Visit::of(&self.shared.options().trusted_proxies, PUBLISH, peer, &request);
        let answer = pin!(self.behind_edge(request)); // it is large, and is moved no further
        visit.answered(answer).await
    }

    async fn behind_edge<B>(&self, request: Request<B>) -> Response
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        if let Err(error) = browser::names_us(request.uri(), request.headers(), self.shared.options()) {
            return error.into_response();
        }
        let Some(cors) = &self.cors else { return self.behind_cors(request).await };
        let service = service_fn(async |request| Ok(self.behind_cors(request).await));
        let answer = Box::pin(cors.layer(service).oneshot(request));
        answer.await.unwrap_or_else(|never: Infallible| match never {})
    }

    async fn behind_cors<B: Body<Data = Bytes> + Unpin>(&self, request: Request<B>) -> Response {
        let (request, body) = request.into_parts();
        let answer = match self.admit(&request).await {
            Ok((access, query)) => {
                publish::publish_by(&self.shared, access, query, &request.headers, body).await
            }
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(ApiError::into_response)
    }

    async fn admit(&self, request: &Parts) -> ApiResult<(Access, NoQuery)> {
        let admitted = auth::admit(&self.shared, request).await?;
        takes_answers(&request.headers)?;
        let access = admitted.and_then(|admitted| admitted.access()).ok_or_else(ApiError::not_found)?;
        Ok((access, NoQuery::of(&request.uri)?))
    }
}

/// Whether the router's [`PUBLISH`] is this path.
fn is_publish(path: &str) -> bool {
    let team = path.strip_prefix("/v1/teams/").and_then(|rest| rest.strip_suffix("/events"));
    team.is_some_and(|team| !team.is_empty() && !team.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_publish_goes_the_short_way() {
        for (path, is) in [
            ("/v1/teams/a/events", true),
            ("/v1/teams/%61/events", true),
            ("/v1/teams//events", false),
            ("/v1/teams/a/b/events", false),
            ("/v1/teams/a/events/", false),
            ("/v1/teams/events", false),
            ("/v1/teams/a/events/b", false),
            ("/v2/teams/a/events", false),
        ] {
            assert_eq!(is_publish(path), is, "{path}");
        }
    }
}
