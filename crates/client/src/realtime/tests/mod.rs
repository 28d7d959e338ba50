//! The stream as a whole.

mod cut;
mod hostile;
mod log;
mod scenarios;
mod waiting;

use super::Realtime;
use super::event::{Disconnected, State, StreamEvent};
use crate::testing::{Shown, ShownDisconnected, ShownGap, envelope};

/// What was told, as scenarios write it; the wait is as it is, not a range.
fn shown(told: StreamEvent) -> Shown {
    match told {
        StreamEvent::Event(event) => {
            assert_eq!(event.envelope.as_str(), envelope(event.position), "T9: the envelope's very bytes");
            Shown::Event(event.position)
        }
        StreamEvent::Gap(gap) => {
            Shown::Gap(ShownGap { from: gap.from, to: gap.to, reason: gap.reason.to_string() })
        }
        StreamEvent::State(State::Connecting) => Shown::Connecting,
        StreamEvent::State(State::Open(opened)) => {
            Shown::Open(if opened.resumed { "resumed" } else { "anew" }.to_owned())
        }
        StreamEvent::State(State::Disconnected(Disconnected { error, attempt, retry_in })) => {
            let wait_ms = retry_in.map(|wait| u64::try_from(wait.as_millis()).unwrap());
            Shown::Disconnected(ShownDisconnected {
                status: error.status(),
                code: error.code().map(str::to_owned),
                attempt,
                wait_ms: wait_ms.map(|wait| (wait, wait)),
            })
        }
        StreamEvent::State(State::Ended) => Shown::Ended,
    }
}

/// The next thing told.
async fn next(realtime: &mut Realtime) -> Shown {
    shown(realtime.next().await.expect("something is told"))
}
