//! The pages of the problem codes, where a refusal's `type` leads.

use axum::response::{IntoResponse, Response};
use cstar_wire::Code;
use http::header::CONTENT_TYPE;

use crate::auth::PathId;

/// `GET /errors/{code}`
pub(super) async fn page(PathId(code): PathId<Code>) -> Response {
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], code.page()).into_response()
}
