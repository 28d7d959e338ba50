//! A subscription as the body of an answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use cstar_realtime::Subscription;
use http_body::{Body, Frame, SizeHint};

use super::Handover;

/// Passes on what the subscription gives, when the connection asks for it: nothing is queued between the two.
#[derive(Debug)]
pub(super) struct StreamBody {
    /// `None` once it is handed over.
    subscription: Option<Subscription>,
    has_begun: bool,
    handover: Option<Handover>,
}

impl StreamBody {
    pub(super) fn new(subscription: Subscription, handover: Option<Handover>) -> Self {
        Self { subscription: Some(subscription), has_begun: false, handover }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { subscription, has_begun, handover } = &mut *self;
        if *has_begun
            && let Some(handover) = handover
            && let Some(subscription) = subscription.take()
        {
            handover.give(subscription);
        }
        let Some(subscription) = subscription else { return Poll::Pending };
        *has_begun = true;
        subscription.poll_next(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }

    /// Said with the last piece, so that the connection closes the answer in the same write.
    fn is_end_stream(&self) -> bool {
        self.subscription.as_ref().is_some_and(Subscription::has_ended)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
