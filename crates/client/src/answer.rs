//! What a server answered, read within bounds.

use bytes::{Bytes, BytesMut};
use cstar_types::Timestamp;
use cstar_types::limits::{ENVELOPE_CEILING_BYTES, PAGE_MAX_ROWS};
use cstar_wire::{Problem, header};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, LOCATION};
use reqwest::Response;

use crate::{Error, Refusal, Result, retry_after};

/// The largest answer that is taken in: a server that sends without end does not exhaust memory.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// The largest problem document that is read; a thousand bad fields fit.
const PROBLEM_MAX_BYTES: usize = 256 * 1024;

const _: () = assert!(PAGE_MAX_ROWS * ENVELOPE_CEILING_BYTES < ANSWER_MAX_BYTES, "a full page must fit");

/// An answer of 2xx.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// # Errors
    /// The refusal, if it is one; else when the answer breaks off or is too large.
    pub(crate) async fn read(response: Response, failed: impl Fn(reqwest::Error) -> Error) -> Result<Self> {
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let headers = response.headers().clone();
        Ok(Self { headers, body: body(response, ANSWER_MAX_BYTES, failed).await? })
    }

    /// A header's value as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The error that an answer other than the one hoped for is.
pub(crate) async fn refused(response: Response) -> Error {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let problem = match media_type_is(&headers, header::PROBLEM_MEDIA_TYPE) {
        true => body(response, PROBLEM_MAX_BYTES, |error| Error::protocol(error.to_string())).await.ok(),
        false => None,
    };
    let problem: Option<Problem> = problem.and_then(|body| serde_json::from_slice(&body).ok());
    Error::from(Box::new(Refusal {
        status,
        problem,
        retry_after: retry_after::read(&headers, now()),
        request_id: text(header::REQUEST_ID),
        location: text(LOCATION.as_str()),
    }))
}

/// Whether the body is declared as this, whatever parameters follow.
pub(crate) fn media_type_is(headers: &HeaderMap, media_type: &str) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media_type)
}

async fn body(
    mut response: Response,
    max_bytes: usize,
    failed: impl Fn(reqwest::Error) -> Error,
) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(&failed)? {
        if whole.len() + chunk.len() > max_bytes {
            return Err(Error::protocol(format!("an answer of more than {max_bytes} bytes")));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since_epoch)
}
