//! What the API says of itself: the pages of the problem codes, where a refusal's `type` leads, and its description.

use axum::response::{IntoResponse, Response};
use cstar_wire::Code;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::auth::PathId;
use crate::{openapi, reference};

/// `GET /openapi.json`
pub(super) async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi::text()).into_response()
}

/// `GET /docs`
pub(super) async fn reference() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, reference::content_security_policy()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, reference::html()).into_response()
}

/// `GET /errors/{code}`
pub(super) async fn page(PathId(code): PathId<Code>) -> Response {
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], code.page()).into_response()
}
