//! Opening a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cstar_sse::MEDIA_TYPE;
use cstar_types::{Cursor, TeamId};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body::Body as _;
use reqwest::Response;

use super::reading::ByteStream;
use super::stream::RealtimeOptions;
use crate::answer::{media_type_is, refused};
use crate::call::Call;
use crate::transport::Transport;
use crate::{Error, Result};

/// Where a stream comes from.
pub(crate) trait Connect: Send {
    /// Opens it behind `cursor`, with another key than the last time if that one was refused.
    fn connect(&self, cursor: Option<Cursor>, new_key: bool) -> BoxFuture<'static, Result<ByteStream>>;

    /// Whether there is another key to be had.
    fn can_ask_key(&self) -> bool;
}

/// A stream over HTTP.
pub(crate) struct HttpConnect {
    transport: Arc<Transport>,
    call: Call,
    /// The generation of the key that was sent last.
    key_used: Arc<AtomicU64>,
}

impl HttpConnect {
    pub(crate) fn new(transport: &Arc<Transport>, team: TeamId, options: &RealtimeOptions) -> Self {
        let call = Call::get(&[&"v1", &"teams", &team, &"realtime"])
            .query("types", options.types.as_ref())
            .query("until", options.until_head.then_some("head"))
            .header(ACCEPT.as_str(), HeaderValue::from_static(MEDIA_TYPE));
        Self { transport: Arc::clone(transport), call, key_used: Arc::default() }
    }
}

impl Connect for HttpConnect {
    fn connect(&self, cursor: Option<Cursor>, new_key: bool) -> BoxFuture<'static, Result<ByteStream>> {
        let transport = Arc::clone(&self.transport);
        let key_used = Arc::clone(&self.key_used);
        let mut call = self.call.clone();
        if let Some(id) = cursor.and_then(last_event_id) {
            call.headers.insert("last-event-id", id);
        }
        async move {
            let refused = new_key.then(|| key_used.load(Ordering::Relaxed));
            let bearer = transport.bearer(refused).await?;
            key_used.store(bearer.generation, Ordering::Relaxed);
            let response = transport.request(&call, &bearer).send().await;
            let response = response.map_err(|error| transport.failed(error))?;
            opened(response, move |error| transport.failed(error)).await
        }
        .boxed()
    }

    fn can_ask_key(&self) -> bool {
        self.transport.keys.can_ask_again()
    }
}

fn last_event_id(cursor: Cursor) -> Option<HeaderValue> {
    let text = match cursor {
        Cursor::Oldest => "0".to_owned(),
        Cursor::After(position) => position.to_string(),
    };
    HeaderValue::try_from(text).ok()
}

/// The bytes of the stream, if the answer is one.
pub(crate) async fn opened(
    response: Response,
    failed: impl Fn(reqwest::Error) -> Error + Send + 'static,
) -> Result<ByteStream> {
    if response.status() != StatusCode::OK {
        return Err(refused(response).await);
    }
    if !media_type_is(response.headers(), MEDIA_TYPE) {
        let declared = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        return Err(Error::protocol(format!(
            "an answer of type {} in place of a stream",
            declared.unwrap_or("unknown")
        )));
    }
    let mut body = http::Response::<reqwest::Body>::from(response).into_body();
    let frames = stream::poll_fn(move |cx| Pin::new(&mut body).poll_frame(cx));
    let chunks = frames.filter_map(move |frame| {
        let chunk = match frame {
            Ok(frame) => frame.into_data().ok().map(Ok), // trailers say nothing
            Err(error) => Some(Err(failed(error))),
        };
        async { chunk }
    });
    Ok(chunks.boxed())
}
