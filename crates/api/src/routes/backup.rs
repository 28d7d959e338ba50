//! `POST /v1/backup`: a copy of everything, for the platform key alone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use cstar_store::Backup;
use cstar_types::AuditAction;
use futures_util::{Stream, stream};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};

use crate::auth::{By, Caller};
use crate::error::ApiResult;
use crate::query::NoQuery;
use crate::shared::Shared;

/// `POST /v1/backup`
///
/// The answer begins once the copy is made, and its length is known: a refusal is a problem document, and a connection that
/// breaks is noticed by every client.
pub(super) async fn make(State(shared): State<Arc<Shared>>, caller: Caller, by: By, _: NoQuery) -> ApiResult {
    caller.needs_platform()?;
    let now = shared.now();
    let backup = shared.store().backup(now).await?;
    shared.by(&by).put_on_record(AuditAction::BackupMade, None, "backup".to_owned()).await?;
    // Colons are no letters of file names everywhere.
    let name = format!("attachment; filename=\"cstar-{}.backup\"", now.to_seconds_string().replace(':', "-"));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_LENGTH, HeaderValue::from(backup.bytes())),
        (CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("digits and dashes are ASCII")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(pieces(backup))).into_response())
}

/// The pieces, each read when the connection has room for it. Whoever goes away drops what is left.
fn pieces(backup: Backup) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::unfold(Some(backup), async |backup| {
        let mut backup = backup?;
        let read = tokio::task::spawn_blocking(move || (backup.next(), backup)).await;
        match read {
            Ok((Some(Ok(piece)), backup)) => Some((Ok(piece), Some(backup))),
            Ok((None, _)) => None,
            Ok((Some(Err(error)), _)) => Some((Err(error), None)),
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    })
}
