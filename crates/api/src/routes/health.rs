//! Alive, ready, and how much.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cstar_store::{Health, StoreError};
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::answer;
use crate::error::{ApiError, ApiResult};
use crate::shared::Shared;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Response {
    answer::ok(&json!({"status": "ok"}))
}

/// `GET /readyz`: a publish would be taken.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> ApiResult {
    match shared.store().health() {
        Health::Ready => Ok(answer::ok(&json!({"status": "ready"}))),
        Health::StorageFull => Err(StoreError::StorageFull.into()),
        Health::Away => Err(StoreError::Unreachable("the database cannot be reached".to_owned()).into()),
        // A poisoned store ends the process: for who asks here it is the same.
        Health::ShuttingDown | Health::Poisoned => Err(StoreError::ShuttingDown.into()),
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> ApiResult {
    let metrics = shared.api.metrics.as_ref().ok_or_else(ApiError::not_found)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], metrics()).into_response())
}
