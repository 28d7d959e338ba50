//! What browsers need: which origins may read answers (CORS), and which hosts this server is.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::middleware::Next;
use cstar_wire::{Code, header};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::Options;
use crate::error::{ApiError, ApiResult};
use crate::shared::Shared;

/// Whose pages may read answers; nobody's unless said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<Allowed>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Any,
    /// Pages that this machine serves, on any port.
    Localhost,
    /// As browsers write it: `https://app.example.com`.
    One(String),
}

/// Browsers may take an answer to their preflight for true so long; Chromium takes no more.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(2 * 3600);

impl Origins {
    fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| match allowed {
            Allowed::Any => true,
            Allowed::Localhost => {
                Url::parse(origin).is_ok_and(|url| url.host_str().is_some_and(is_this_machine))
            }
            Allowed::One(one) => one == origin,
        })
    }

    /// The layer that answers preflights and marks answers; `None` where no page may read anything. Credentials are never
    /// allowed: the cookie of a session is for this server's own page.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let (origins, named) = (self.clone(), HeaderName::from_static);
        let allow = move |origin: &HeaderValue, _: &_| origin.to_str().is_ok_and(|text| origins.allow(text));
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allow))
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                named("last-event-id"),
                named(header::IDEMPOTENCY_KEY),
            ])
            .expose_headers([
                RETRY_AFTER,
                named("ratelimit"),
                named("ratelimit-policy"),
                named(header::REQUEST_ID),
            ])
            .max_age(PREFLIGHT_KEPT);
        Some(cors)
    }
}

/// A text is no list of origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOrigin(String);

impl std::fmt::Display for BadOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no origin: write a scheme and a host, such as https://app.example.com", self.0)
    }
}

impl std::error::Error for BadOrigin {}

/// Origins, `localhost` or `*`, separated by commas.
impl FromStr for Origins {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let one = |text: &str| match text {
            "*" => Ok(Allowed::Any),
            "localhost" => Ok(Allowed::Localhost),
            _ => {
                let origin = Url::parse(text).map(|url| url.origin());
                let origin = origin.ok().filter(url::Origin::is_tuple).map(|one| one.ascii_serialization());
                origin.filter(|origin| origin == text).map(Allowed::One).ok_or_else(|| BadOrigin(text.into()))
            }
        };
        text.split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// [`names_us`] before a route.
pub(crate) async fn check_host(
    State(shared): State<Arc<Shared>>,
    request: axum::extract::Request,
    next: Next,
) -> ApiResult {
    names_us(request.uri(), request.headers(), shared.options())?;
    Ok(next.run(request).await)
}

/// Refuses requests that name a host which this server is not: a page on the web can make its own name point to this
/// machine, and is then no stranger to the browser. Such a request always has a name, never an address.
pub(crate) fn names_us(uri: &Uri, headers: &HeaderMap, options: &Options) -> ApiResult<()> {
    let Some(own) = &options.hosts else { return Ok(()) };
    let host = named_host(uri, headers);
    let is_own = |name: &str| is_this_machine(name) || own.iter().any(|own| own.eq_ignore_ascii_case(name));
    if host.as_deref().is_some_and(|name| is_address(name) || is_own(name)) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::WrongHost,
        "this server answers to its address, to localhost and to the host of --public-url",
    ))
}

/// Without the port.
fn named_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    authority(uri, headers).map(|authority| authority.host().to_owned())
}

/// Whom a request was sent to. HTTP/2 names it in the target, HTTP/1.1 in a header.
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let header = || headers.get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    uri.authority().cloned().or_else(header)
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// Names that browsers never look up (RFC 6761), and the addresses that they stand for.
fn is_this_machine(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_as_it_is_written() {
        let origins: Origins = "https://app.example.com, http://[2001:db8::1]:8080".parse().unwrap();
        for allowed in ["https://app.example.com", "http://[2001:db8::1]:8080"] {
            assert!(origins.allow(allowed), "{allowed}");
        }
        for other in
            ["http://app.example.com", "https://app.example.com:444", "https://a.app.example.com", "null"]
        {
            assert!(!origins.allow(other), "{other}");
        }
        assert!("*".parse::<Origins>().unwrap().allow("https://any.example"));
        assert!(!Origins::default().allow("https://any.example"));
    }

    #[test]
    fn this_machines_pages_have_any_port() {
        let origins: Origins = "localhost".parse().unwrap();
        for own in
            ["http://localhost:3000", "https://shop.localhost", "http://127.0.0.1:5173", "http://[::1]:80"]
        {
            assert!(origins.allow(own), "{own}");
        }
        for other in
            ["http://localhost.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1", "null"]
        {
            assert!(!origins.allow(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for wrong in [
            "app.example.com",
            "https://app.example.com/",
            "https://a.example/path",
            "file:///tmp",
            "HTTPS://A",
        ] {
            assert_eq!(wrong.parse::<Origins>(), Err(BadOrigin(wrong.into())));
        }
    }
}
