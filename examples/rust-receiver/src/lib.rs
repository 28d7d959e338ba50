//! Takes cStar's webhooks with axum.
//!
//! Three things make a receiver: it verifies the **raw** body, it answers 2xx only once the event is in safe hands, and it
//! knows that an event may come twice.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use cstar_signature::{Headers, Secret, TOLERANCE_S, verify_standard};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

/// No envelope is larger.
const BODY_MAX_BYTES: usize = 128 * 1024;

/// What a webhook brings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// The same whenever it comes: work that must not be done twice is kept under it, in a unique column for example.
    pub id: String,
    /// Such as `ticket.created`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Whose it is.
    pub team_id: String,
    /// When it happened, in UTC.
    pub created_at: String,
    /// What happened, as the type's schema says.
    pub data: Value,
}

struct Receiver {
    secret: Secret,
    events: mpsc::Sender<Event>,
}

/// `POST /webhook` for a webhook with this secret. Each event that is genuine goes into `events`.
pub fn router(secret: Secret, events: mpsc::Sender<Event>) -> Router {
    Router::new()
        .route("/webhook", post(receive))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(Arc::new(Receiver { secret, events }))
}

/// The body is taken as bytes: one that was parsed and written again has another signature. What is answered to a failure
/// stands in the webhook's log.
async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, (StatusCode, String)> {
    let signed = Headers::from_fn(|name| headers.get(name).map(HeaderValue::as_bytes));
    verify_standard(&receiver.secret, signed, &body, now_s(), TOLERANCE_S)
        .map_err(|mistake| (StatusCode::UNAUTHORIZED, mistake.to_string()))?;
    let event: Event =
        serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    // A full queue makes cStar wait, and come again if that takes too long. A receiver that must not lose anything writes
    // the event to its database here instead.
    let handed_over = receiver.events.send(event).await;
    handed_over.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "stopping".to_owned()))?;
    Ok(StatusCode::OK)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
