//! A call, before it is sent.

use std::fmt::Display;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;
use serde::Serialize;

use crate::retry::Repeat;
use crate::{Error, Result};

/// What is asked of the server.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
}

impl Call {
    fn new(method: Method, path: &[&dyn Display], repeat: Repeat) -> Self {
        let path = path.iter().map(ToString::to_string).collect();
        Self { method, path, query: Vec::new(), headers: HeaderMap::new(), body: None, repeat }
    }

    pub(crate) fn get(path: &[&dyn Display]) -> Self {
        Self::new(Method::GET, path, Repeat::Freely)
    }

    pub(crate) fn post(path: &[&dyn Display]) -> Self {
        Self::new(Method::POST, path, Repeat::IfNotCarriedOut)
    }

    /// Twice the same leaves what once leaves.
    pub(crate) fn put(path: &[&dyn Display]) -> Self {
        Self::new(Method::PUT, path, Repeat::Freely)
    }

    pub(crate) fn patch(path: &[&dyn Display]) -> Self {
        Self::new(Method::PATCH, path, Repeat::IfNotCarriedOut)
    }

    pub(crate) fn delete(path: &[&dyn Display]) -> Self {
        Self::new(Method::DELETE, path, Repeat::IfNotCarriedOut)
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// With a parameter, if there is a value for it.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl Display>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// # Errors
    /// When the body is no JSON, as a map with keys other than texts.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::protocol(format!("the request cannot be written as JSON ({error})")))?;
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(body.into());
        Ok(self)
    }

    /// Where it goes, on the server at `base`.
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, call: &Call, expected: &str) {
        assert_eq!(call.url(&base.parse().unwrap()).as_str(), expected);
    }

    #[test]
    fn paths_go_below_the_servers_own() {
        let call = Call::get(&[&"v1", &"teams"]);
        check("http://localhost:7070", &call, "http://localhost:7070/v1/teams");
        check("https://example.com/cstar", &call, "https://example.com/cstar/v1/teams");
        check("https://example.com/cstar/", &call, "https://example.com/cstar/v1/teams");
    }

    #[test]
    fn what_is_given_stays_within_its_place() {
        let call = Call::get(&[&"v1", &"event-types", &"a/../b"])
            .query("types", Some("ticket.*&x=1"))
            .query("limit", None::<u8>);
        check("http://h", &call, "http://h/v1/event-types/a%2F..%2Fb?types=ticket.*%26x%3D1");
    }
}
