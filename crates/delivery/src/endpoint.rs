//! A webhook made ready to be sent to: what is the same for each of its requests, worked out once.

use std::fmt;

use cstar_signature::{Secret, Signer, header as ours};
use cstar_store::{SecretText, WebhookSecrets};
use cstar_types::{RetrySchedule, TeamId, Timestamp, Webhook, WebhookId};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri, header};
use url::Position;

use crate::headers::check_static_headers;
use crate::target::{Target, TargetError, TargetRule};

const USER_AGENT: HeaderValue = HeaderValue::from_static(ours::USER_AGENT);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A webhook, ready to be sent to. Made again when the webhook changes.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) webhook: WebhookId,
    pub(crate) team: TeamId,
    pub(crate) version: u64,
    pub(crate) url: String,
    /// Where it is, if the rule takes it today: what was registered under another rule may be refused.
    pub(crate) place: Result<Place, TargetError>,
    pub(crate) schedule: RetrySchedule,
    pub(crate) disable_on_gone: bool,
    /// Content type, user agent and the static headers.
    pub(crate) headers: HeaderMap,
    signer: Signer,
    /// Signs with the secret before the last rotation too, until the overlap ends (T3).
    overlap: Option<(Signer, Timestamp)>,
}

/// Where a webhook is, in the forms that HTTP/1.1 and HTTP/2 write it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) target: Target,
    /// How every request over HTTP/1.1 begins.
    pub(crate) beginning: Beginning,
    pub(crate) absolute: Uri,
}

/// The request line and the headers that are the same for each request. Static headers may be credentials, so it does not
/// print (SEC-3).
pub(crate) struct Beginning(Vec<u8>);

/// A webhook that is stored in a way that cannot be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored secret of {webhook} is damaged; rotate it")]
pub(crate) struct UnusableSecret {
    webhook: WebhookId,
}

impl Endpoint {
    pub(crate) fn new(
        webhook: &Webhook,
        secrets: &WebhookSecrets,
        rule: &TargetRule,
        server_schedule: &RetrySchedule,
    ) -> Result<Self, UnusableSecret> {
        let unusable = UnusableSecret { webhook: webhook.id };
        let parse = |text: &SecretText| Secret::parse(text.reveal()).map_err(|_| unusable);
        let current = parse(&secrets.current)?;
        let overlap = secrets.previous.as_ref().map(|(previous, until)| {
            parse(previous).map(|previous| (Signer::new(&current, Some(&previous)), *until))
        });
        let headers = fixed_headers(webhook);
        let place = rule.check_url(&webhook.url).and_then(|target| Place::new(target, &headers));
        Ok(Self {
            webhook: webhook.id,
            team: webhook.team,
            version: webhook.version,
            url: webhook.url.clone(),
            place,
            schedule: webhook.retry_schedule.clone().unwrap_or_else(|| server_schedule.clone()),
            disable_on_gone: webhook.disable_on_gone,
            headers,
            signer: Signer::new(&current, None),
            overlap: overlap.transpose()?,
        })
    }

    /// What an attempt at `now` is signed with: an overlap ends by the clock, though nothing is told of it (T3).
    pub(crate) fn signer(&self, now: Timestamp) -> &Signer {
        match &self.overlap {
            Some((both, until)) if now < *until => both,
            _ => &self.signer,
        }
    }
}

impl Place {
    fn new(target: Target, headers: &HeaderMap) -> Result<Self, TargetError> {
        let url = target.url();
        let blocked = |_| TargetError::Blocked;
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let path =
            url[Position::BeforePath..Position::AfterQuery].parse::<PathAndQuery>().map_err(blocked)?;
        let beginning = Beginning::new(&path, authority, headers);
        let absolute = Uri::builder()
            .scheme(url.scheme())
            .authority(authority)
            .path_and_query(path)
            .build()
            .map_err(|_| TargetError::Blocked)?;
        Ok(Self { beginning, absolute, target })
    }
}

impl Beginning {
    fn new(path: &PathAndQuery, host: &str, headers: &HeaderMap) -> Self {
        let mut bytes = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
        for (name, value) in headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        Self(bytes)
    }

    /// Behind what is there.
    pub(crate) fn write(&self, head: &mut Vec<u8>) {
        head.extend_from_slice(&self.0);
    }
}

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beginning(redacted)")
    }
}

/// Static headers were checked when they were set; some that are no longer taken are left out together.
fn fixed_headers(webhook: &Webhook) -> HeaderMap {
    let mut headers = check_static_headers(&webhook.headers).unwrap_or_else(|error| {
        tracing::warn!(webhook = %webhook.id, %error, "static headers left out");
        HeaderMap::new()
    });
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers
}

#[cfg(test)]
mod tests {
    use cstar_types::{Patterns, WebhookStatus};
    use proptest::prelude::*;

    use super::*;

    fn place(url: &str) -> Result<Place, TargetError> {
        TargetRule { allow_http: true, ..TargetRule::default() }
            .check_url(url)
            .and_then(|target| Place::new(target, &HeaderMap::new()))
    }

    fn beginning(place: &Place) -> &str {
        std::str::from_utf8(&place.beginning.0).unwrap()
    }

    fn webhook() -> Webhook {
        let at = Timestamp::from_millis(0);
        Webhook {
            id: WebhookId::from_bits(1),
            team: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
            url: "https://example.com/".into(),
            events: Patterns::all(),
            filter: None,
            description: String::new(),
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            failing_since: None,
            ordered: false,
            rate_limit: None,
            retry_schedule: None,
            headers: Vec::new(),
            disable_on_gone: false,
            secret_overlap_until: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_place_is_written_for_both_versions() {
        let place = place("https://Example.com:8443/a/b?c=d&e=%20").unwrap();
        assert_eq!(beginning(&place), "POST /a/b?c=d&e=%20 HTTP/1.1\r\nhost: example.com:8443\r\n");
        assert_eq!(place.absolute.to_string(), "https://example.com:8443/a/b?c=d&e=%20");
        for (url, host) in [
            ("https://example.com:443", "example.com"), // no default port
            ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
        ] {
            let place = super::tests::place(url).unwrap();
            assert_eq!(beginning(&place), format!("POST / HTTP/1.1\r\nhost: {host}\r\n"));
        }
    }

    /// SEC-3: static headers may be credentials.
    #[test]
    fn static_headers_do_not_print() {
        let headers = vec![("authorization".to_owned(), "Bearer a".to_owned())];
        let headers = fixed_headers(&Webhook { headers, ..webhook() });
        let target = TargetRule::default().check_url("https://example.com").unwrap();
        let place = Place::new(target, &headers).unwrap();
        assert!(beginning(&place).contains("authorization: Bearer a\r\n"));
        assert!(!format!("{place:?} {headers:?}").contains("Bearer"));
    }

    /// T3: the secret before signs until its overlap ends, to the millisecond, without anything being told.
    #[test]
    fn an_overlap_ends_by_the_clock() {
        let [first, second] = [1, 2].map(|byte| Secret::generate([byte; 32]));
        let text = |secret: &Secret| SecretText::new(secret.reveal().to_owned());
        let end = Timestamp::from_millis(86_400_000);
        let secrets = WebhookSecrets { current: text(&second), previous: Some((text(&first), end)) };
        let endpoint =
            Endpoint::new(&webhook(), &secrets, &TargetRule::default(), &RetrySchedule::default()).unwrap();
        let by =
            |signer: &Signer| (signer.body(b"{}").as_str().to_owned(), signer.standard("evt_1", 1, b"{}"));
        let at = |millis| by(endpoint.signer(Timestamp::from_millis(millis)));
        assert_eq!(at(86_399_999), by(&Signer::new(&second, Some(&first))));
        assert_eq!(at(86_400_000), by(&Signer::new(&second, None)));
    }

    proptest! {
        /// Whatever the URL rule takes can be written into a request, so that no URL is refused only when it is sent to.
        #[test]
        fn every_target_has_a_place(path in "(/\\PC{0,20}){0,3}(\\?\\PC{0,30})?") {
            let url = format!("https://example.com{path}");
            let rule = TargetRule::default();
            if let Ok(target) = rule.check_url(&url) {
                let text = target.url().to_string();
                let place = Place::new(target, &HeaderMap::new());
                prop_assert!(place.is_ok(), "{}", text);
                let place = place.unwrap();
                let lines: Vec<&str> = beginning(&place).split("\r\n").collect();
                prop_assert_eq!(lines.len(), 3, "{}", text);
                prop_assert_eq!(lines[0].split(' ').count(), 3, "{}", text);
            }
        }
    }
}
