//! The outermost layer: every request gets to know its client, every answer carries a request id, and every refusal becomes
//! a problem document here.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cstar_wire::header::REQUEST_ID;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use tracing::field::DisplayValue;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::client_address::{ClientAddress, Peer, TrustedProxies};
use crate::error::ApiError;

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Longer ids are cut off by log systems, and are nobody's ids.
const REQUEST_ID_MAX_CHARS: usize = 64;

/// The edge of the router.
pub(crate) async fn edge(
    State(proxies): State<Arc<TrustedProxies>>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let peer = request.extensions().get::<Peer>().copied();
    let visit = Visit::of(&proxies, route, peer, &request);
    // What comes behind reads them there.
    if let Some(client) = visit.client {
        request.extensions_mut().insert(client);
    }
    request.headers_mut().insert(REQUEST_ID_HEADER, visit.id.clone());
    visit.answered(next.run(request)).await
}

/// A request's way through the server.
///
/// Its span holds the route's template, never the path or the query: those may hold ids of customers, or a token.
pub(crate) struct Visit<'r> {
    started: Instant,
    id: HeaderValue,
    client: Option<ClientAddress>,
    method: Method,
    route: &'r str,
    span: Span,
}

impl<'r> Visit<'r> {
    /// Begins with the request's arrival.
    pub(crate) fn of<B>(
        proxies: &TrustedProxies,
        route: &'r str,
        peer: Option<Peer>,
        request: &Request<B>,
    ) -> Self {
        let started = Instant::now();
        let client = peer.map(|Peer(peer)| proxies.client(peer.ip(), request.headers()));
        let (id, method) = (request_id(request.headers()), request.method().clone());
        let (shown, address) = (text(&id), client.map(address));
        let span = tracing::debug_span!("request", request_id = %shown, client = address, %method, route);
        Self { started, id, client, method, route, span }
    }

    /// The answer to it, with its id and whatever else is everybody's. A panic ends its own request alone: others may share the
    /// connection.
    pub(crate) async fn answered(self, answer: impl Future<Output = Response>) -> Response {
        let answered = AssertUnwindSafe(answer).catch_unwind().instrument(self.span.clone()).await;
        let mut response = answered.unwrap_or_else(|_| ApiError::internal("a panic").into_response());
        let error = response.extensions_mut().remove::<ApiError>();
        let code = error.as_ref().map(|error| error.code().as_str());
        if let Some(cause) = error.as_ref().and_then(ApiError::cause) {
            let (id, client, Self { method, route, .. }) = (text(&self.id), self.client.map(address), &self);
            tracing::error!(request_id = %id, client, %method, route, code, cause, "a request failed");
        }
        let mut response = match error {
            Some(error) => {
                let mut answer = error.answer(text(&self.id));
                answer.headers_mut().extend(response.headers_mut().drain()); // of layers within, as CORS
                answer
            }
            None => response,
        };
        self.span.in_scope(|| {
            let (status, latency) = (response.status().as_u16(), self.started.elapsed());
            tracing::debug!(status, code, latency_us = latency.as_micros() as u64, "answered");
        });
        response.headers_mut().insert(REQUEST_ID_HEADER, self.id);
        response
    }
}

fn text(id: &HeaderValue) -> &str {
    id.to_str().expect("request ids are letters, digits and a few signs")
}

fn address(client: ClientAddress) -> DisplayValue<IpAddr> {
    tracing::field::display(client.0)
}

/// The caller's own id if it is sane, so that both sides' logs can be joined; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID_HEADER).filter(|id| is_sane(id.as_bytes()));
    given.cloned().unwrap_or_else(|| {
        let mut id = *b"req_00000000000000000000000000000000";
        Uuid::from_u128(rand::random()).simple().encode_lower(&mut id[4..]);
        HeaderValue::from_bytes(&id).expect("letters and digits")
    })
}

fn is_sane(id: &[u8]) -> bool {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=REQUEST_ID_MAX_CHARS).contains(&id.len()) && id.iter().all(sane)
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
            assert!(is_sane(id_for(given).as_bytes()) && id_for(given) != given, "{given}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
