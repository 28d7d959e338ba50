//! `POST …/events`

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use cstar_store::{Append, Appended, FanOut, StoreError};
use cstar_traces::Publish;
use cstar_types::limits::BATCH_MAX_BYTES;
use cstar_types::{Envelope, Position, Scope};
use cstar_wire::Code;
use cstar_wire::header::{IDEMPOTENCY_REPLAYED, POSITION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body;

use crate::answer;
use crate::auth::Access;
use crate::error::{ApiError, ApiResult};
use crate::publish::{Check, Marks, read};
use crate::query::NoQuery;
use crate::shared::Shared;

const POSITION_HEADER: HeaderName = HeaderName::from_static(POSITION);
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static(IDEMPOTENCY_REPLAYED);

/// Reading this much takes a few milliseconds, for which other requests on the same thread should not wait.
const LARGE_BODY_BYTES: usize = 256 * 1024;

/// The publish of the router.
pub(super) async fn publish(
    State(shared): State<Arc<Shared>>,
    access: Access,
    query: NoQuery,
    headers: HeaderMap,
    body: axum::body::Body,
) -> ApiResult {
    publish_by(&shared, access, query, &headers, body).await
}

/// LOG-1: a 2xx leaves only after [`cstar_store::Log::append`] has answered that everything is synced.
pub(crate) async fn publish_by<B: Body<Data = Bytes> + Unpin>(
    shared: &Arc<Shared>,
    access: Access,
    _: NoQuery,
    headers: &HeaderMap,
    body: B,
) -> ApiResult {
    let began = Instant::now();
    let mut span = shared.api.traces.as_ref().map(|traces| {
        traces.publish(access.team, headers.get(TRACEPARENT).and_then(|parent| parent.to_str().ok()))
    });
    let answer = take(shared, access, headers, body, span.as_ref()).await;
    match (&answer, &mut span) {
        (Ok(_), _) => shared.api.publish_times.count_time(began.elapsed()),
        (Err(error), Some(span)) => span.failed(error.code().as_str()),
        (Err(_), None) => {}
    }
    answer
}

async fn take<B: Body<Data = Bytes> + Unpin>(
    shared: &Arc<Shared>,
    access: Access,
    headers: &HeaderMap,
    body: B,
    span: Option<&Publish<'_>>,
) -> ApiResult {
    access.caller.needs(Scope::EventsWrite)?;
    let marks = Marks::of(headers)?;
    let body = shared.intake.read(headers, body, BATCH_MAX_BYTES).await?;
    let (prepared, body) = if body.len() < LARGE_BODY_BYTES {
        (prepare(shared, &access, marks, &body), Some(body))
    } else {
        let shared = Arc::clone(shared);
        let preparing =
            tokio::task::spawn_blocking(move || (prepare(&shared, &access, marks, &body), Some(body)));
        preparing.await.unwrap_or_else(|panic| (Err(ApiError::internal(panic)), None))
    };
    let Prepared { append, batch, refusal } = prepared?;
    drop(body); // from here on the store's own queue bounds what waits
    let appended = match refusal {
        None => commit(shared, append, batch, span).await?,
        Some(refusal) => repeated(shared, append, refusal).await?,
    };
    match appended.as_slice() {
        [one] if !batch => Ok(single_answer(one)),
        many => Ok(batch_answer(many)),
    }
}

/// A publish that was read and checked.
struct Prepared {
    append: Append,
    /// Whether it came as a batch.
    batch: bool,
    /// Why nothing of it may be stored. It is answered all the same if all of it is: the catalog may have been another when
    /// it was published first.
    refusal: Option<ApiError>,
}

fn prepare(shared: &Shared, access: &Access, marks: Marks, body: &[u8]) -> ApiResult<Prepared> {
    let envelope_max_bytes = shared.options().envelope_max_bytes;
    let mut request = read(body, envelope_max_bytes)?;
    let fan_out = if request.webhooks { FanOut::Matching } else { FanOut::Nobody };
    let (batch, now) = (request.batch, shared.now());
    if batch && marks.idempotency_key.is_some() {
        return Err(ApiError::malformed_header(
            "`idempotency-key` serves a single publish; in a batch each event has its own `idempotency_key`",
        ));
    }
    let check = Check {
        caller: &access.caller,
        catalog: &shared.catalog,
        ids: &shared.ids,
        envelope: Envelope::new(access.team, now),
        now,
        test: marks.test,
        envelope_max_bytes,
    };
    if let ([single], Some(key)) = (request.drafts.as_mut_slice(), marks.idempotency_key) {
        single.idempotency_key = Some(key);
    }
    let (events, refusal) = match check.events(&mut request) {
        Ok(events) => (events, None),
        Err(refusal) => match check.perhaps_repeated(request) {
            Some(events) => (events, Some(refusal)),
            None => return Err(refusal),
        },
    };
    Ok(Prepared { append: Append { team: access.team, events, fan_out, now }, batch, refusal })
}

async fn commit(
    shared: &Shared,
    append: Append,
    batch: bool,
    span: Option<&Publish<'_>>,
) -> ApiResult<Vec<Appended>> {
    let committing = span.map(|span| span.commit(append.events.iter().map(|new| new.event.id)));
    let appended = hand_over(shared, append, batch).await;
    if let Some(committing) = committing {
        committing.end();
    }
    appended
}

/// What the first publish made, or the refusal if there was none.
async fn repeated(shared: &Shared, append: Append, refusal: ApiError) -> ApiResult<Vec<Appended>> {
    match known_within(shared.options().publish_timeout, shared.store().repeated(append)).await {
        Ok(Some(first)) => Ok(first),
        Ok(None) | Err(StoreError::IdempotencyKeyReused { .. }) => Err(refusal),
        Err(error) => Err(error.into()),
    }
}

/// Appends, and waits for the sync no longer than a client would.
async fn hand_over(shared: &Shared, append: Append, batch: bool) -> ApiResult<Vec<Appended>> {
    let append = shared.store().append(append);
    match known_within(shared.options().publish_timeout, append).await {
        Err(StoreError::IdempotencyKeyReused { index }) if batch => Err(ApiError::field(
            Code::IdempotencyKeyReused,
            format!("/events/{index}/idempotency_key"),
            "this key was used for an event with another type, other data or other marks",
        )),
        Err(StoreError::IdempotencyKeyReused { .. }) => Err(ApiError::new(
            Code::IdempotencyKeyReused,
            "this idempotency key was used for an event with another type, other data or other marks; use a fresh one",
        )),
        appended => Ok(appended?),
    }
}

/// What became of a publish, if that is known in time. What was handed over may be stored even if not.
pub(super) async fn known_within<T>(
    limit: Duration,
    publish: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, publish).await.unwrap_or(Err(StoreError::OutcomeUnknown))
}

/// T9: the envelope as it was stored, byte for byte.
fn single_answer(appended: &Appended) -> Response {
    let status = if appended.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = answer::json_bytes(status, Bytes::clone(&appended.entry.event.body));
    let headers = response.headers_mut();
    headers.insert(POSITION_HEADER, position(appended.entry.position));
    if appended.replayed {
        headers.insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    }
    response
}

/// `{data: [envelope, …], positions: [...]}`, the envelopes as they were stored.
fn batch_answer(appended: &[Appended]) -> Response {
    const POSITION_AND_COMMAS: usize = Position::MAX_LEN + 4;
    let bodies: usize = appended.iter().map(|one| one.entry.event.body.len() + POSITION_AND_COMMAS).sum();
    let mut body = BytesMut::with_capacity(bodies + 32);
    body.put_slice(b"{\"data\":[");
    for (place, one) in appended.iter().enumerate() {
        body.put_slice(if place == 0 { b"" } else { b"," });
        body.put_slice(&one.entry.event.body);
    }
    body.put_slice(b"],\"positions\":[");
    for (place, one) in appended.iter().enumerate() {
        body.put_slice(if place == 0 { b"\"" } else { b",\"" });
        body.put_slice(one.entry.position.to_string().as_bytes());
        body.put_slice(b"\"");
    }
    body.put_slice(b"]}");
    answer::json_bytes(StatusCode::CREATED, body)
}

/// A position as a header's value.
pub(super) fn position(position: Position) -> HeaderValue {
    HeaderValue::from_str(&position.to_string()).expect("a position is digits and a dot")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG-1: a sync that takes too long is never answered with a 2xx, nor with a refusal that would be taken for
    /// "nothing was stored".
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_too_late_is_unknown() {
        let slow = async {
            tokio::time::sleep(Duration::from_secs(11)).await;
            Ok(())
        };
        assert_eq!(known_within(Duration::from_secs(10), slow).await, Err(StoreError::OutcomeUnknown));
        let refused = async { Err::<(), _>(StoreError::QueueFull) };
        assert_eq!(known_within(Duration::from_secs(10), refused).await, Err(StoreError::QueueFull));
    }
}
