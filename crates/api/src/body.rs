//! Reading a body: declared as JSON, no larger than it may be, in time, and within the memory for all bodies.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cstar_wire::Code;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ApiError, ApiResult};

/// Everything but a publish: a name, a URL, some patterns and headers.
pub(crate) const CONTROL_MAX_BYTES: usize = 64 * 1024;

/// Where all bodies come in, under one budget of bytes: a limit for each body alone would let a few thousand slow
/// clients fill the memory.
pub(crate) struct Intake {
    free: Arc<Semaphore>,
    within: Duration,
}

/// A body that has arrived; its bytes count against the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    bytes: BytesMut,
    held: OwnedSemaphorePermit,
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Intake {
    /// Holds at most so many bytes at a time, and gives each body so long to arrive.
    pub(crate) fn new(budget_bytes: usize, within: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(budget_bytes.min(Semaphore::MAX_PERMITS))), within }
    }

    /// Reads a body that must be declared as JSON. Whether it is JSON is its reader's to say.
    ///
    /// # Errors
    /// `unsupported_media_type`, `too_large`; `queue_full` if the budget is used up; `malformed_json` if the body breaks
    /// off or takes too long.
    pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(
        &self,
        headers: &HeaderMap,
        body: B,
        limit: usize,
    ) -> ApiResult<Received> {
        if !declared_as_json(headers) {
            return Err(ApiError::new(Code::UnsupportedMediaType, "send `content-type: application/json`"));
        }
        if headers.contains_key(CONTENT_ENCODING) {
            // A small body could unpack to a large one.
            return Err(ApiError::new(
                Code::UnsupportedMediaType,
                "send the body as it is, without `content-encoding`",
            ));
        }
        if declared_len(headers).is_some_and(|len| len > limit) {
            return Err(too_large(limit));
        }
        let mut collecting = pin!(self.collect(body, limit));
        let at_once = poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await;
        if let Poll::Ready(read) = at_once {
            return read; // what is there already needs no timer
        }
        let read = tokio::time::timeout(self.within, collecting).await;
        let late = || cut_off(format!("the body did not arrive within {} s", self.within.as_secs()));
        read.unwrap_or_else(|_| Err(late()))
    }

    /// Bytes count as they come: a length that is only declared costs nothing, and one that lies hides nothing.
    async fn collect<B: Body<Data = Bytes> + Unpin>(&self, mut body: B, limit: usize) -> ApiResult<Received> {
        let mut received = Received { bytes: BytesMut::new(), held: self.hold(0)? };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| cut_off("the body broke off before its end".to_owned()))?;
            let Ok(part) = frame.into_data() else { continue };
            if received.len() + part.len() > limit {
                return Err(too_large(limit));
            }
            received.held.merge(self.hold(part.len())?);
            received.bytes.extend_from_slice(&part);
        }
        Ok(received)
    }

    fn hold(&self, bytes: usize) -> ApiResult<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.free).try_acquire_many_owned(permits).map_err(|_| {
            ApiError::new(Code::QueueFull, "the server holds as many requests as it can; nothing was stored")
        })
    }
}

fn cut_off(detail: String) -> ApiError {
    ApiError::new(Code::MalformedJson, detail)
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(Code::TooLarge, format!("the body is larger than {limit} bytes"))
}

fn declared_len(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json`, in UTF-8 if it names a character set.
fn declared_as_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    media_type && parts.all(|parameter| !names_other_charset(parameter))
}

fn names_other_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::body::Body;
    use futures_util::{FutureExt, StreamExt, stream};
    use http::HeaderValue;

    use super::*;

    fn intake(budget_bytes: usize) -> Intake {
        Intake::new(budget_bytes, Duration::from_secs(30))
    }

    fn kilobyte() -> io::Result<Bytes> {
        Ok(Bytes::from_static(&[b'['; 1024]))
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (value, is_json) in [
            ("application/json", true),
            ("Application/JSON ; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(declared_as_json(&headers), is_json, "{value}");
        }
        assert!(!declared_as_json(&HeaderMap::new()));
    }

    /// An endless body that drips is given up, in paused time.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let never = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        let error = intake(1024).read(&headers, never, 10).await.unwrap_err();
        assert_eq!(error.code(), Code::MalformedJson);
    }

    /// A body without a length, or with one that lies, is stopped at the limit.
    #[tokio::test]
    async fn an_endless_body_is_stopped_at_the_limit() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("2"));
        let endless = Body::from_stream(stream::repeat_with(kilobyte));
        let error = intake(1 << 20).read(&headers, endless, 4096).await.unwrap_err();
        assert_eq!(error.code(), Code::TooLarge);
    }

    /// What is held counts by the bytes that came, whatever was declared, and is free again once it is let go: a body
    /// that was read, one that was refused, and one whose client went away half-way.
    #[tokio::test]
    async fn all_bodies_share_one_budget() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("2"));
        let intake = intake(4096);
        let read = async |kilobytes: usize| {
            let parts: Vec<_> = (0..kilobytes).map(|_| kilobyte()).collect();
            intake.read(&headers, Body::from_stream(stream::iter(parts)), 1 << 20).await
        };
        let first = read(3).await.unwrap();
        assert_eq!(first.len(), 3072);
        assert_eq!(read(2).await.unwrap_err().code(), Code::QueueFull);
        {
            let half = stream::iter([kilobyte()]).chain(stream::pending());
            let mut reading = std::pin::pin!(intake.read(&headers, Body::from_stream(half), 1 << 20));
            assert!(reading.as_mut().now_or_never().is_none());
            assert_eq!(read(1).await.unwrap_err().code(), Code::QueueFull, "what arrived of it counts");
        }
        read(1).await.unwrap();
        drop(first);
        read(4).await.unwrap();
    }
}
