//! The request of one attempt: its headers, and the stored body byte for byte.

use bytes::Bytes;
use cstar_signature::{BodySignature, Signer, header as ours};
use cstar_store::Due;
use cstar_types::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header};
use http_body_util::Full;

use crate::endpoint::{Endpoint, Place};

const SIGNATURE: HeaderName = HeaderName::from_static(ours::BODY_SIGNATURE);
const EVENT: HeaderName = HeaderName::from_static(ours::EVENT);
const DELIVERY: HeaderName = HeaderName::from_static(ours::DELIVERY);
const ATTEMPT: HeaderName = HeaderName::from_static(ours::ATTEMPT);
const TEST: HeaderName = HeaderName::from_static(ours::TEST);
const WEBHOOK_ID: HeaderName = HeaderName::from_static(ours::WEBHOOK_ID);
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static(ours::WEBHOOK_TIMESTAMP);
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static(ours::WEBHOOK_SIGNATURE);

/// The headers that are ours, and `content-length` beside them.
const OUR_HEADERS: usize = 10;

/// A signed request that is ready to be written, once or, over a new connection, once more.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    endpoint: &'a Endpoint,
    place: &'a Place,
    due: &'a Due,
    attempt: u32,
    event_id: String,
    timestamp_s: u64,
    signature: BodySignature,
    standard_signature: String,
}

impl<'a> Outgoing<'a> {
    /// Signs the attempt that begins now.
    pub(crate) fn new(
        endpoint: &'a Endpoint,
        place: &'a Place,
        due: &'a Due,
        signer: &Signer,
        now: Timestamp,
    ) -> Self {
        let event = &due.entry.event;
        let event_id = event.id.to_string();
        let timestamp_s = u64::try_from(now.as_secs()).unwrap_or(0);
        Self {
            signature: signer.body(&event.body),
            standard_signature: signer.standard(&event_id, timestamp_s, &event.body),
            attempt: due.attempts.saturating_add(1),
            endpoint,
            place,
            due,
            event_id,
            timestamp_s,
        }
    }

    /// The value of `x-cstar-signature`.
    pub(crate) fn signature(&self) -> &str {
        self.signature.as_str()
    }

    /// The body: the stored one, shared.
    pub(crate) fn body(&self) -> Bytes {
        self.due.entry.event.body.clone()
    }

    /// The head for HTTP/1.1, behind what is there.
    pub(crate) fn write_head(&self, head: &mut Vec<u8>) {
        let event = &self.due.entry.event;
        self.place.beginning.write(head);
        line(head, ours::BODY_SIGNATURE, self.signature.as_str());
        line(head, ours::EVENT, event.event_type.as_str());
        line(head, ours::DELIVERY, &self.due.id.to_string());
        line(head, ours::ATTEMPT, &self.attempt.to_string());
        if event.id.is_test() {
            line(head, ours::TEST, "true");
        }
        line(head, ours::WEBHOOK_ID, &self.event_id);
        line(head, ours::WEBHOOK_TIMESTAMP, &self.timestamp_s.to_string());
        line(head, ours::WEBHOOK_SIGNATURE, &self.standard_signature);
        line(head, header::CONTENT_LENGTH.as_str(), &event.body.len().to_string());
        head.extend_from_slice(b"\r\n");
    }

    /// For HTTP/2: the whole address, of which the pseudo-headers are made.
    pub(crate) fn http2(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.place.absolute.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers();
        request
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = self.endpoint.headers.clone();
        headers.reserve(OUR_HEADERS);
        headers.insert(SIGNATURE, text(self.signature.as_str()));
        headers.insert(EVENT, text(self.due.entry.event.event_type.as_str()));
        headers.insert(DELIVERY, text(&self.due.id.to_string()));
        headers.insert(ATTEMPT, HeaderValue::from(self.attempt));
        if self.due.entry.event.id.is_test() {
            headers.insert(TEST, HeaderValue::from_static("true"));
        }
        headers.insert(WEBHOOK_ID, text(&self.event_id));
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(self.timestamp_s));
        headers.insert(WEBHOOK_SIGNATURE, text(&self.standard_signature));
        headers
    }
}

/// A header of a head for HTTP/1.1. The value is one that [`text`] takes.
fn line(head: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("identifiers, types and signatures are visible ASCII")
}
