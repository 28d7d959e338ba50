//! The session of the settings page: a team key in a cookie.
//!
//! Browsers send a cookie along with whatever request leads here, whoever had them send it. So it is good for less than
//! the same key in a header: it changes nothing unless this server's own page asks.

use std::time::Duration;

use cstar_wire::{Code, ShownOnce};
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use url::Url;

use super::credential::{Credential, NONE, unauthenticated};
use super::key_text;
use crate::Options;
use crate::error::{ApiError, ApiResult};

/// A day of work. Whoever leaves a session open leaves it open for no longer.
pub(crate) const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Browsers take a cookie of this name from this very host alone, and over TLS alone.
const SECURE_NAME: &str = "__Host-cstar_session";
const PLAIN_NAME: &str = "cstar_session";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The request came with the cookie of a session, and with no key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BySession;

/// The key in the cookie, if there is one.
///
/// # Errors
/// `malformed_header` if there are two: somebody has planted one, and nobody knows which is which.
fn key_in_cookie(headers: &HeaderMap, options: &Options) -> ApiResult<Option<String>> {
    let name = name(options).as_bytes();
    // As bytes: a cookie of somebody else's that is no ASCII must not hide ours.
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="));
    let mut ours = values.map(|value| String::from_utf8_lossy(value).into_owned());
    let found = ours.next();
    if ours.next().is_some() {
        return Err(ApiError::malformed_header("send one session cookie"));
    }
    Ok(found)
}

/// The cookie of a new session.
pub(crate) fn cookie(key: &ShownOnce, options: &Options) -> HeaderValue {
    written(key.reveal(), SESSION_LIFE, options)
}

/// What takes the cookie back.
pub(crate) fn no_cookie(options: &Options) -> HeaderValue {
    written("", Duration::ZERO, options)
}

fn written(value: &str, life: Duration, options: &Options) -> HeaderValue {
    let secure = if options.secure_cookies { "; Secure" } else { "" };
    let (name, seconds) = (name(options), life.as_secs());
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::from_str(&text).expect("a key is letters, digits and underscores");
    cookie.set_sensitive(true);
    cookie
}

const fn name(options: &Options) -> &'static str {
    if options.secure_cookies { SECURE_NAME } else { PLAIN_NAME }
}

/// The key of the session that a request came with.
///
/// # Errors
/// `unauthenticated` if there is none; `cross_origin` if it would change something, and this server's own page did not ask.
pub(super) fn credential(request: &Parts, options: &Options) -> ApiResult<Credential> {
    let Parts { method, uri, headers, .. } = request;
    let key = key_in_cookie(headers, options)?.ok_or_else(|| unauthenticated(NONE))?;
    // The platform key has no place in a browser, and no prefix of ours.
    if !key.starts_with(key_text::PREFIX) {
        return Err(unauthenticated("this cookie holds no session; sign in again"));
    }
    changes_from_here(method, uri, headers, options)?;
    Ok(Credential::of_key(&key))
}

/// Refuses a change that came with the cookie from anywhere but this server's own page.
fn changes_from_here(method: &Method, uri: &Uri, headers: &HeaderMap, options: &Options) -> ApiResult<()> {
    if method.is_safe() || page(uri, headers, options) == Page::Own { Ok(()) } else { Err(foreign()) }
}

/// Refuses what another origin's page sent: it must sign nobody in, not even with a key of its own.
pub(crate) fn not_from_elsewhere(uri: &Uri, headers: &HeaderMap, options: &Options) -> ApiResult<()> {
    if page(uri, headers, options) == Page::Another { Err(foreign()) } else { Ok(()) }
}

fn foreign() -> ApiError {
    ApiError::new(
        Code::CrossOrigin,
        "a session is for this server's own page; others send a key: `authorization: Bearer <key>`",
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Own,
    Another,
    /// No browser says whose page this is.
    Unknown,
}

/// Whose page sent this. Browsers say so in `sec-fetch-site`, the older ones, and all over plain HTTP, in `origin`; no page
/// can write either.
fn page(uri: &Uri, headers: &HeaderMap, options: &Options) -> Page {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return if site == "same-origin" { Page::Own } else { Page::Another };
    }
    match headers.get(ORIGIN) {
        None => Page::Unknown,
        Some(origin) if is_own(origin, uri, headers, options) => Page::Own,
        Some(_) => Page::Another,
    }
}

/// Whether an origin is this server's: the public URL's, or the host that the request was sent to.
fn is_own(origin: &HeaderValue, uri: &Uri, headers: &HeaderMap, options: &Options) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    if options.public_url.as_ref().is_some_and(|public| public.origin() == origin.origin()) {
        return true;
    }
    let scheme = if options.secure_cookies { "https" } else { "http" };
    let host = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = uri.authority().map(|authority| authority.as_str()).or_else(host) else { return false };
    Url::parse(&format!("{scheme}://{host}")).is_ok_and(|own| own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use cstar_signature::TokenKey;

    use super::*;

    fn options(secure_cookies: bool) -> Options {
        let public_url = Some("https://cstar.example.com/".parse().unwrap());
        Options { secure_cookies, public_url, ..Options::new([1; 32], TokenKey::new(&[7; 32])) }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let key = ShownOnce::new("csk_a");
        let secure = cookie(&key, &options(true));
        assert!(!format!("{secure:?}").contains("csk_a"), "SEC-3");
        assert_eq!(
            secure,
            "__Host-cstar_session=csk_a; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        let plain = cookie(&key, &options(false));
        assert_eq!(plain, "cstar_session=csk_a; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
        assert!(no_cookie(&options(true)).to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn one_cookie_of_the_right_name_is_read() {
        let read = |line: &str, secure| {
            key_in_cookie(&headers(&[("cookie", line)]), &options(secure)).map_err(|error| error.code())
        };
        let found = Ok(Some("csk_a".to_owned()));
        assert_eq!(read("a=b; __Host-cstar_session=csk_a;c", true), found);
        assert_eq!(read("cstar_session=csk_a", false), found);
        assert_eq!(read("cstar_session=csk_a", true), Ok(None), "anybody on the network can plant that one");
        assert_eq!(read("theme=größe; __Host-cstar_session=csk_a; c=é", true), found, "whatever else is set");
        assert_eq!(read("", true), Ok(None));
        assert_eq!(read("cstar_session=csk_a; cstar_session=csk_b", false), Err(Code::MalformedHeader));
    }

    /// Every spelling of "another page" that a browser has.
    #[test]
    fn whose_page_asks() {
        let own = "cstar.example.com";
        for (lines, expected) in [
            (vec![("sec-fetch-site", "same-origin")], Page::Own),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://proxied.example")], Page::Own),
            (vec![("sec-fetch-site", "same-site"), ("origin", "https://cstar.example.com")], Page::Another),
            (vec![("sec-fetch-site", "cross-site")], Page::Another),
            (vec![("sec-fetch-site", "none")], Page::Another),
            (vec![("origin", "https://cstar.example.com")], Page::Own),
            (vec![("origin", "https://other.example"), ("host", "other.example")], Page::Own),
            (vec![("origin", "https://other.example:8443"), ("host", "other.example")], Page::Another),
            (vec![("origin", "http://other.example"), ("host", "other.example")], Page::Another),
            (vec![("origin", "https://other.example"), ("host", own)], Page::Another),
            (vec![("origin", "https://cstar.example.com.evil.example"), ("host", own)], Page::Another),
            (vec![("origin", "null"), ("host", own)], Page::Another),
            (vec![("origin", ""), ("host", own)], Page::Another),
            (vec![("host", own)], Page::Unknown),
            (vec![], Page::Unknown),
        ] {
            let path = "/v1/session".parse().unwrap();
            assert_eq!(page(&path, &headers(&lines), &options(true)), expected, "{lines:?}");
        }
        let local = headers(&[("origin", "http://127.0.0.1:7070"), ("host", "127.0.0.1:7070")]);
        assert_eq!(page(&"/".parse().unwrap(), &local, &options(false)), Page::Own);
    }

    #[test]
    fn what_changes_nothing_may_come_from_anywhere() {
        let path = "/v1/session".parse().unwrap();
        let from = |method: Method, lines: &[(&'static str, &str)]| {
            changes_from_here(&method, &path, &headers(lines), &options(true)).is_ok()
        };
        assert!(from(Method::GET, &[("sec-fetch-site", "cross-site")]));
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            assert!(!from(method.clone(), &[]), "{method}: whoever is no browser sends a key");
            assert!(!from(method.clone(), &[("sec-fetch-site", "cross-site")]), "{method}");
            assert!(from(method, &[("sec-fetch-site", "same-origin")]));
        }
    }
}
