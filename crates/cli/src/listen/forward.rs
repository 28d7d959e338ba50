//! Forwarding: a listener's request is a webhook's request (W57), sent to servers on this machine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cstar_client::Event;
use cstar_signature::{Secret, Signer, header};
use cstar_types::DeliveryId;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use crate::exit::CliError;

/// What came of it at one target.
pub(crate) struct Forwarded {
    pub(crate) target: Url,
    pub(crate) result: Result<StatusCode, String>,
    pub(crate) took: Duration,
}

impl Forwarded {
    /// W46, W47: any 2xx is success.
    pub(crate) fn succeeded(&self) -> bool {
        self.result.as_ref().is_ok_and(|status| status.is_success())
    }
}

/// The sender of a listener.
pub(crate) struct Forwarder {
    targets: Vec<Target>,
    signer: Signer,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A server to forward to, with a client of its own: an http target needs none of the system's certificates.
pub(crate) struct Target {
    pub(crate) url: Url,
    http: Client,
}

/// How the sender behaves.
pub(crate) struct ForwardOptions {
    pub(crate) targets: Vec<Url>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeout: Duration,
    pub(crate) skip_verify: bool,
}

impl Target {
    fn new(url: &Url, timeout: Duration, skip_verify: bool) -> Result<Self, CliError> {
        let builder = cstar_client::http_builder_for(url).redirect(Policy::none()).timeout(timeout);
        let skips = skip_verify && url.scheme() == "https";
        let built = if skips { builder.tls_danger_accept_invalid_certs(true) } else { builder }.build();
        let http = built.map_err(|error| {
            CliError::usage(format!("{url} cannot be reached over TLS: {}", in_words(&error)))
                .hint("install the system's certificates, or forward to an http:// URL")
        })?;
        Ok(Self { url: url.clone(), http })
    }
}

impl Forwarder {
    pub(crate) fn new(secret: &Secret, options: ForwardOptions) -> Result<Self, CliError> {
        let ForwardOptions { targets, headers, timeout, skip_verify } = options;
        let targets = targets.iter().map(|url| Target::new(url, timeout, skip_verify));
        Ok(Self { targets: targets.collect::<Result<_, _>>()?, signer: Signer::new(secret, None), headers })
    }

    /// In the order in which they were given.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Sends one event to one target.
    pub(crate) async fn forward(&self, event: &Event, target: &Target) -> Forwarded {
        let began = Instant::now();
        let result = self.send(target, event).await;
        Forwarded { target: target.url.clone(), result, took: began.elapsed() }
    }

    async fn send(&self, target: &Target, event: &Event) -> Result<StatusCode, String> {
        let headers = self.request_headers(event, unix_seconds())?;
        let request = target.http.post(target.url.clone()).headers(headers);
        let request = request.body(event.envelope.as_str().to_owned());
        request.send().await.map(|answer| answer.status()).map_err(|error| in_words(&error))
    }

    fn request_headers(&self, event: &Event, now_s: u64) -> Result<HeaderMap, String> {
        let (id, body) = (event.id.to_string(), event.envelope.as_str().as_bytes());
        // The same bits under the other prefix: one delivery for each event, the same on every start (T8).
        let delivery = DeliveryId::from_bits(event.id.bits()).to_string();
        let body_signature = self.signer.body(body);
        let standard = self.signer.standard(&id, now_s, body);
        let timestamp = now_s.to_string();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(header::USER_AGENT));
        for (name, value) in [
            (header::BODY_SIGNATURE, body_signature.as_str()),
            (header::EVENT, event.event_type.as_str()),
            (header::DELIVERY, &delivery),
            (header::ATTEMPT, "1"),
            (header::WEBHOOK_ID, &id),
            (header::WEBHOOK_TIMESTAMP, &timestamp),
            (header::WEBHOOK_SIGNATURE, &standard),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| format!("{name} cannot be sent"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if event.id.is_test() {
            headers.insert(header::TEST, HeaderValue::from_static("true"));
        }
        headers.extend(self.headers.iter().cloned());
        Ok(headers)
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The innermost cause says most: "connection refused" rather than "error sending request".
fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use cstar_signature::{Headers, TOLERANCE_S, verify_body, verify_standard};
    use cstar_types::{EventId, Position};
    use serde_json::value::RawValue;

    use super::*;

    /// W57: same body, same headers, and a signature that `WEBHOOK_SECRET` verifies. T20: test events are marked.
    #[test]
    fn a_forward_carries_what_a_webhook_carries() {
        let secret = Secret::generate([7; 32]);
        let options = ForwardOptions {
            targets: vec![],
            headers: vec![],
            timeout: Duration::from_secs(1),
            skip_verify: false,
        };
        let forwarder = Forwarder::new(&secret, options).unwrap();
        let body = r#"{"id":"evt_test_9"}"#;
        let event = Event {
            position: Position::new(1, 1),
            id: EventId::from_bits(9, true),
            event_type: "ticket.created".parse().unwrap(),
            envelope: RawValue::from_string(body.to_owned()).unwrap().into(),
        };
        let headers = forwarder.request_headers(&event, 1_700_000_000).unwrap();
        let body = body.as_bytes();
        verify_body(&secret, body, headers.get("x-cstar-signature")).unwrap();
        let standard = Headers::from_fn(|name| headers.get(name).map(HeaderValue::as_bytes));
        verify_standard(&secret, standard, body, 1_700_000_000, TOLERANCE_S).unwrap();
        assert_eq!(headers["x-cstar-event"], "ticket.created");
        assert_eq!(headers["x-cstar-test"], "true");
        assert_eq!(headers["content-type"], "application/json");
        assert!(headers["x-cstar-delivery"].to_str().unwrap().parse::<DeliveryId>().is_ok());
    }
}
