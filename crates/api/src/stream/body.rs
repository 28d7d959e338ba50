//! A subscription as the body of an answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use cstar_realtime::Subscription;
use http_body::{Body, Frame, SizeHint};

/// Passes on what the subscription gives, when the connection asks for it: nothing is queued between the two.
#[derive(Debug)]
pub(super) struct StreamBody(Subscription);

impl StreamBody {
    pub(super) fn new(subscription: Subscription) -> Self {
        Self(subscription)
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_next(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }

    /// Said with the last piece, so that the connection closes the answer in the same write.
    fn is_end_stream(&self) -> bool {
        self.0.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
