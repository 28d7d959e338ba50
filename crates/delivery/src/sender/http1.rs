//! HTTP/1.1 without a task for each connection: whoever waits for an answer moves the connection along.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::connection::{Broken, HEAD_MAX_BYTES};
use super::failure::{Failure, lost_connection};
use super::stream::{Heard, Stream};

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// A connection that one exchange at a time has for itself.
pub(super) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    driver: Option<Driver>,
    heard: Heard,
    pub(super) opened: Instant,
}

impl Http1 {
    pub(super) async fn over(stream: Stream) -> Result<Self, Failure> {
        let heard = stream.heard();
        let handshake = http1::Builder::new()
            .max_buf_size(HEAD_MAX_BYTES)
            .max_header_size(HEAD_MAX_BYTES)
            .handshake(TokioIo::new(stream));
        let (sender, driver) = handshake.await.map_err(|error| Failure::answering(&error))?;
        Ok(Self { sender, driver: Some(driver), heard, opened: Instant::now() })
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Broken> {
        self.heard.forget();
        let answer = self.sender.send_request(request);
        drive(&mut self.driver, answer).await.map_err(|error| Broken {
            failure: Failure::answering(&error),
            unheard: lost_connection(&error) && !self.heard.anything(),
        })
    }

    pub(super) async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        drive(&mut self.driver, body.frame()).await
    }

    /// Reads what waits, if only the end of the connection, and asks whether there is room for a request.
    pub(super) fn is_open(&mut self) -> bool {
        advance(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Waits for something that the connection brings, moving the connection meanwhile.
async fn drive<F: Future>(driver: &mut Option<Driver>, wanted: F) -> F::Output {
    let mut wanted = pin!(wanted);
    poll_fn(|cx| {
        advance(driver, cx);
        wanted.as_mut().poll(cx)
    })
    .await
}

fn advance(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    // Why it ended is told to the exchange that it broke.
    let ended = driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready());
    if ended {
        *driver = None;
    }
}

const _: () = {
    const fn assert_send<T: Send>() {}
    assert_send::<Http1>();
    assert_send::<Poll<()>>();
};
