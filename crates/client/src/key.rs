//! The key that requests carry, and where it comes from.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use tokio::sync::Mutex;

use crate::{BoxError, ConfigError, Error, Result};

type Ask = dyn Fn() -> BoxFuture<'static, std::result::Result<String, BoxError>> + Send + Sync;

/// Where the key comes from: a platform key, a team key or a realtime token.
///
/// SEC-3: it does not print itself.
#[derive(Clone)]
pub struct KeySource(Source);

#[derive(Clone)]
enum Source {
    Fixed(Arc<str>),
    Asked(Arc<Ask>),
}

impl KeySource {
    /// A key that stays.
    pub fn fixed(key: impl Into<Arc<str>>) -> Self {
        Self(Source::Fixed(key.into()))
    }

    /// A function that gives a key, for short-lived tokens (T17). It is asked before the first request, and again when
    /// the server does not take the key any more.
    pub fn function<F, Fut>(ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<String, BoxError>> + Send + 'static,
    {
        Self(Source::Asked(Arc::new(move || ask().boxed())))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Fixed(_) => "KeySource::fixed(…)",
            Source::Asked(_) => "KeySource::function(…)",
        })
    }
}

/// The source, and the key that it gave last.
#[derive(Debug)]
pub(crate) struct KeyRing {
    source: KeySource,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bearer: Option<Bearer>,
    /// How many keys the source has given.
    given: u64,
}

/// The value of `Authorization`, and which of the keys that the source gave it is.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) value: HeaderValue,
    pub(crate) generation: u64,
}

impl KeyRing {
    /// # Errors
    /// When a fixed key cannot be sent.
    pub(crate) fn new(source: KeySource) -> std::result::Result<Self, ConfigError> {
        let mut held = Held::default();
        if let Source::Fixed(key) = &source.0 {
            held.take(key).ok_or(ConfigError::Key)?;
        }
        Ok(Self { source, held: Mutex::new(held) })
    }

    /// Whether another key may be had where one is refused (T13).
    pub(crate) fn can_ask_again(&self) -> bool {
        matches!(self.source.0, Source::Asked(_))
    }

    /// The key to send. `refused` is the generation of one that the server did not take; requests that were refused
    /// together ask for one new key together. It is given up at once: should no other one come in time, the next request
    /// asks again, and does not send it.
    ///
    /// # Errors
    /// When the function fails, or gives what cannot be sent.
    pub(crate) async fn bearer(&self, refused: Option<u64>) -> Result<Bearer> {
        let mut held = self.held.lock().await;
        held.bearer.take_if(|known| refused == Some(known.generation));
        if let Some(known) = &held.bearer {
            return Ok(known.clone());
        }
        let key = match &self.source.0 {
            Source::Fixed(key) => key.to_string(),
            Source::Asked(ask) => ask().await.map_err(Error::Key)?,
        };
        held.take(&key).ok_or_else(|| Error::Key(ConfigError::Key.into()))
    }
}

impl Held {
    /// Takes what the source gave; `None` where it cannot be sent.
    fn take(&mut self, key: &str) -> Option<Bearer> {
        let value = bearer(key)?;
        self.given += 1;
        Some(self.bearer.insert(Bearer { value, generation: self.given }).clone())
    }
}

fn bearer(key: &str) -> Option<HeaderValue> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn counting() -> KeyRing {
        let count = AtomicU32::new(0);
        let source = KeySource::function(move || {
            let key = format!("token{}", count.fetch_add(1, Ordering::Relaxed));
            async { Ok(key) }
        });
        KeyRing::new(source).unwrap()
    }

    /// T13, T17: the function is asked once, and again only for the key that was refused.
    #[tokio::test]
    async fn a_function_is_asked_again_once_for_each_refused_key() {
        let keys = counting();
        let first = keys.bearer(None).await.unwrap();
        assert_eq!(first.value, "Bearer token0");
        assert_eq!(keys.bearer(None).await.unwrap().value, "Bearer token0");
        assert_eq!(keys.bearer(Some(first.generation)).await.unwrap().value, "Bearer token1");
        // Another request that was refused with the first key finds the second one there.
        assert_eq!(keys.bearer(Some(first.generation)).await.unwrap().value, "Bearer token1");
    }

    /// T13: a key that was refused is not sent again, also where the function took too long to give another one.
    #[tokio::test]
    async fn a_refused_key_is_given_up_before_another_one_comes() {
        let count = AtomicU32::new(0);
        let keys = KeyRing::new(KeySource::function(move || {
            let count = count.fetch_add(1, Ordering::Relaxed);
            async move { if count == 1 { std::future::pending().await } else { Ok(format!("token{count}")) } }
        }));
        let keys = keys.unwrap();
        let first = keys.bearer(None).await.unwrap();
        assert!(keys.bearer(Some(first.generation)).now_or_never().is_none(), "the function takes its time");
        let next = keys.bearer(None).await.unwrap();
        assert_eq!(next.value, "Bearer token2");
        assert_ne!(next.generation, first.generation);
    }

    #[tokio::test]
    async fn a_function_that_fails_is_asked_anew() {
        let keys = KeyRing::new(KeySource::function(|| async { Err("no network".into()) })).unwrap();
        for _ in 0..2 {
            assert_eq!(
                keys.bearer(None).await.unwrap_err().to_string(),
                "the key could not be had: no network"
            );
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused() {
        for key in ["", "csk_a\r\nx: y", "csk_a b", "csk_ü"] {
            assert!(KeyRing::new(KeySource::fixed(key)).is_err(), "{key:?}");
        }
    }

    /// SEC-3: keys do not print themselves.
    #[tokio::test]
    async fn keys_are_not_printed() {
        let source = KeySource::fixed("csk_secret");
        let keys = KeyRing::new(source.clone()).unwrap();
        let bearer = keys.bearer(None).await.unwrap();
        for text in [format!("{source:?}"), format!("{keys:?}"), format!("{bearer:?}")] {
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
