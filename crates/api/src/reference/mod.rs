//! The reference page: the API's description of itself (OpenAPI), as a page for people.
//!
//! It is one page of plain HTML with its style in it: no script, nothing from another host, and what is looked for is found
//! with the browser's own search.

mod example;
mod page;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::openapi;

const STYLE: &str = include_str!("style.css");

/// The page, as it is served.
pub(crate) fn html() -> Bytes {
    static HTML: LazyLock<Bytes> = LazyLock::new(|| {
        let document = serde_json::from_slice(&openapi::text()).expect("the description is JSON");
        page::page(&document, STYLE).into_string().into()
    });
    HTML.clone()
}

/// What the page may do: show itself. Its style is known by its hash.
pub(crate) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    });
    &POLICY
}
