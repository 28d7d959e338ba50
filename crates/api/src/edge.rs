//! The outermost layer: every request gets to know its client, every answer carries a request id, and every refusal becomes
//! a problem document here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cstar_wire::header::REQUEST_ID;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tracing::Instrument;
use uuid::Uuid;

use crate::client_address::{Peer, TrustedProxies};
use crate::error::ApiError;

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Longer ids are cut off by log systems, and are nobody's ids.
const REQUEST_ID_MAX_CHARS: usize = 64;

/// The edge of the router.
pub(crate) async fn edge(
    State(proxies): State<Arc<TrustedProxies>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    within(&proxies, route, request, |request| next.run(request)).await
}

/// Runs a request in its span, and finishes its answer.
///
/// The span holds the route's template, never the path or the query: those may hold ids of customers, or a token. A panic
/// ends its own request alone: others may share the connection.
pub(crate) async fn within<B, F: Future<Output = Response>>(
    proxies: &TrustedProxies,
    route: &str,
    mut request: Request<B>,
    next: impl FnOnce(Request<B>) -> F,
) -> Response {
    let started = Instant::now();
    let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip());
    let client = peer.map(|peer| proxies.client(peer, request.headers()));
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    let client = client.map(|client| tracing::field::display(client.0));
    let id = request_id(request.headers());
    let id_header = HeaderValue::from_str(&id).expect("request ids are letters, digits and a few signs");
    request.headers_mut().insert(REQUEST_ID_HEADER, id_header.clone()); // what comes behind reads it there
    let method = request.method().clone();
    let span = tracing::debug_span!("request", request_id = %id, client, %method, route);

    let answered = AssertUnwindSafe(next(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|_| ApiError::internal("a panic").into_response());
    let error = response.extensions_mut().remove::<ApiError>();
    let code = error.as_ref().map(|error| error.code().as_str());
    if let Some(cause) = error.as_ref().and_then(ApiError::cause) {
        tracing::error!(request_id = %id, client, %method, route, code, cause, "a request failed");
    }
    let mut response = match error {
        Some(error) => {
            let mut answer = error.answer(&id);
            answer.headers_mut().extend(response.headers_mut().drain()); // of layers within, as CORS
            answer
        }
        None => response,
    };
    span.in_scope(|| {
        let (status, latency) = (response.status().as_u16(), started.elapsed());
        tracing::debug!(status, code, latency_us = latency.as_micros() as u64, "answered");
    });
    response.headers_mut().insert(REQUEST_ID_HEADER, id_header);
    response
}

/// The caller's own id if it is sane, so that both sides' logs can be joined; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    match given.filter(|id| is_sane(id)) {
        Some(id) => id.to_owned(),
        None => format!("req_{}", Uuid::from_u128(rand::random()).simple()),
    }
}

fn is_sane(id: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=REQUEST_ID_MAX_CHARS).contains(&id.len()) && id.bytes().all(sane)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use axum::{Extension, Router};
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;
    use crate::client_address::ClientAddress;

    fn proxies(range: &str) -> Arc<TrustedProxies> {
        Arc::new(TrustedProxies::new(vec![range.parse().unwrap()]))
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_a_fault_of_the_server() {
        async fn broken() -> StatusCode {
            panic!("an invariant does not hold")
        }
        let router =
            Router::new().route("/", get(broken)).layer(from_fn_with_state(proxies("::1/128"), edge));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(&REQUEST_ID_HEADER));
    }

    /// Everybody behind the edge takes the client's address from one place.
    #[tokio::test]
    async fn a_request_knows_its_client() {
        async fn told(Extension(ClientAddress(client)): Extension<ClientAddress>) -> String {
            client.to_string()
        }
        let router =
            Router::new().route("/", get(told)).layer(from_fn_with_state(proxies("10.0.0.0/8"), edge));
        for (peer, expected) in [("10.0.0.1:9", "198.51.100.7"), ("203.0.113.5:9", "203.0.113.5")] {
            let request = Request::builder().header("x-forwarded-for", "198.51.100.7");
            let request = request.extension(Peer(peer.parse().unwrap())).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let body = axum::body::to_bytes(response.into_body(), 99).await.unwrap();
            assert_eq!(body, expected);
        }
    }

    #[test]
    fn a_sane_request_id_is_kept_and_others_are_not() {
        let id_for = |given: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID_HEADER, HeaderValue::from_str(given).unwrap());
            request_id(&headers)
        };
        assert_eq!(id_for("abc-1.2_3"), "abc-1.2_3");
        for given in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert!(is_sane(&id_for(given)) && id_for(given) != given, "{given}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
