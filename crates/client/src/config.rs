//! How a client is set up.

use std::time::Duration;

use reqwest::Url;
use thiserror::Error;

use crate::KeySource;

/// Where a server of `cstar dev` listens.
pub const DEFAULT_URL: &str = "http://localhost:7070";

/// How long a call may take, its answer included: longer than the server takes to say that it is overloaded.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How a [`crate::Client`] is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's address; it may have a path, where a proxy serves cStar under one.
    pub base_url: Url,
    /// The key, or the function that gives it.
    pub key: KeySource,
    /// What the client calls itself in `User-Agent`.
    pub user_agent: String,
    /// How long one try of a call may take, its answer included, and how long the function that gives the key. A stream has
    /// no such end.
    pub timeout: Duration,
}

impl Config {
    /// A client of the server at `base_url`.
    #[must_use]
    pub fn new(base_url: Url, key: KeySource) -> Self {
        let user_agent = concat!("cstar-client/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { base_url, key, user_agent, timeout: CALL_TIMEOUT }
    }
}

/// Why a client cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not an address of an HTTP server.
    #[error("{url} is not the address of a server: write it as https://cstar.example.com or {DEFAULT_URL}")]
    BaseUrl {
        /// What was given.
        url: Url,
    },
    /// The address carries a user name, a password, a query or a fragment.
    #[error("the server's address holds more than host, port and path: give the key apart")]
    BaseUrlParts,
    /// The key cannot be sent in a header.
    #[error("the key holds a character that no key has: check that it was copied whole")]
    Key,
    /// The user agent cannot be sent in a header.
    #[error("the user agent holds a character that a header cannot have")]
    UserAgent,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up, so no https address can be reached: install the system's certificates")]
    Tls(#[source] reqwest::Error),
}

/// The address, if it is one.
pub(crate) fn checked_base(url: &Url) -> Result<&Url, ConfigError> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(ConfigError::BaseUrl { url: url.clone() });
    }
    let more = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if more { Err(ConfigError::BaseUrlParts) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_http_servers() {
        for good in
            [DEFAULT_URL, "https://cstar.example.com/", "http://[::1]:7070", "https://example.com/cstar"]
        {
            assert!(checked_base(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "localhost:7070",
            "ftp://example.com",
            "file:///x",
            "http://a:b@example.com",
            "http://a/?x",
            "http://a/#x",
        ] {
            assert!(checked_base(&bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}
