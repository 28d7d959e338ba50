//! Answers in JSON.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Answers hold customers' events, and some a secret that is shown once (SEC-3).
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A 200 with this shape.
pub(crate) fn ok(shape: &impl Serialize) -> Response {
    json(StatusCode::OK, shape)
}

/// A 201 with this shape.
pub(crate) fn created(shape: &impl Serialize) -> Response {
    json(StatusCode::CREATED, shape)
}

/// A 202 with this shape: what was asked for is on disk, and goes on.
pub(crate) fn accepted(shape: &impl Serialize) -> Response {
    json(StatusCode::ACCEPTED, shape)
}

/// A 204.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Bytes that are JSON already.
pub(crate) fn json_bytes(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

fn json(status: StatusCode, shape: &impl Serialize) -> Response {
    json_bytes(status, serde_json::to_vec(shape).expect("the shapes have no keys but strings"))
}
