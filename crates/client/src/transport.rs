//! Sending calls, and repeating them where that is harmless.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::call::Call;
use crate::config::checked_base;
use crate::key::{Bearer, KeyRing};
use crate::{Config, ConfigError, Error, NetworkError, Result, retry, tls};

/// How long a connection may take to stand, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where requests go out.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    pub(crate) keys: KeyRing,
    timeout: Duration,
    /// Of 0 to 1; spreads what many clients do after the same failure.
    pub(crate) random: fn() -> f64,
}

impl Transport {
    pub(crate) fn new(config: Config) -> std::result::Result<Self, ConfigError> {
        let base = checked_base(&config.base_url)?;
        let agent = HeaderValue::try_from(&config.user_agent).map_err(|_| ConfigError::UserAgent)?;
        let http = tls::http_builder_for(base)
            .user_agent(agent)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::none()) // a key goes to the address that it was given for
            .build()
            .map_err(ConfigError::Tls)?;
        let keys = KeyRing::new(config.key)?;
        Ok(Self { http, base: config.base_url, keys, timeout: config.timeout, random: rand::random })
    }

    /// The answer, read as `T`.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            Error::protocol(format!(
                "the answer to {} {} cannot be read ({error})",
                call.method,
                self.path(call)
            ))
        })
    }

    /// The answer, after as many tries as are harmless and of use.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer> {
        let mut failed = 0;
        let mut refused_key = None;
        loop {
            let bearer = self.bearer(refused_key).await?;
            let error = match self.once(call, &bearer).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if refused_key.is_none() && self.keys.can_ask_again() && is_unauthenticated(&error) {
                refused_key = Some(bearer.generation);
                continue;
            }
            failed += 1;
            let wait = retry::wait(call.repeat, failed, &error, (self.random)());
            tokio::time::sleep(wait.ok_or(error)?).await;
        }
    }

    /// The key to send, waited for no longer than an answer. `refused` is the generation of one that was not taken.
    pub(crate) async fn bearer(&self, refused: Option<u64>) -> Result<Bearer> {
        let asked = tokio::time::timeout(self.timeout, self.keys.bearer(refused)).await;
        asked.unwrap_or_else(|_| Err(Error::Key(format!("no key within {:?}", self.timeout).into())))
    }

    async fn once(&self, call: &Call, bearer: &Bearer) -> Result<Answer> {
        let request = self.request(call, bearer).timeout(self.timeout);
        let response = request.send().await.map_err(|error| self.failed(error))?;
        Answer::read(response, |error| self.failed(error)).await
    }

    /// The call as a request, without any limit of time.
    pub(crate) fn request(&self, call: &Call, bearer: &Bearer) -> RequestBuilder {
        let request = self
            .http
            .request(call.method.clone(), call.url(&self.base))
            .headers(call.headers.clone())
            .header(AUTHORIZATION, bearer.value.clone());
        match &call.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    /// What it means that a request failed.
    pub(crate) fn failed(&self, error: reqwest::Error) -> Error {
        if error.is_timeout() && !error.is_connect() {
            Error::Timeout(self.timeout)
        } else {
            network(&self.base, error)
        }
    }

    fn path(&self, call: &Call) -> String {
        call.url(&self.base).path().to_owned()
    }
}

pub(crate) fn is_unauthenticated(error: &Error) -> bool {
    error.status() == Some(StatusCode::UNAUTHORIZED.as_u16())
}

/// A broken or missing connection.
pub(crate) fn network(url: &Url, error: reqwest::Error) -> Error {
    let sent = !error.is_connect();
    NetworkError { url: url.origin().ascii_serialization(), sent, source: error.without_url().into() }.into()
}
