//! Giving a stream from its answer to whoever has the socket.

use std::mem::take;
use std::sync::Arc;

use cstar_realtime::Subscription;
use parking_lot::Mutex;

/// Where a server that has the socket takes a stream over, once the answer has begun.
///
/// Put among a request's extensions, it is given the subscription after the answer's first piece; the answer says then that its
/// connection closes behind it, and never ends by itself. What a finite answer sends (`until=head`) is not handed over.
#[derive(Debug, Clone, Default)]
pub struct Handover(Arc<Mutex<Stage>>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nothing,
    /// Given, while what the answer has said may still wait to be written.
    Given(Subscription),
    /// Given, and all before it is written.
    Written(Subscription),
}

impl Handover {
    pub(super) fn give(&self, subscription: Subscription) {
        *self.0.lock() = Stage::Given(subscription);
    }

    /// Notes that everything which was to be written up to now is written.
    pub fn written(&self) {
        let mut stage = self.0.lock();
        *stage = match take(&mut *stage) {
            Stage::Given(subscription) => Stage::Written(subscription),
            other => other,
        };
    }

    /// The stream, once all that its answer has said so far is written; what it says from now on is written by whoever takes it.
    #[must_use]
    pub fn take(&self) -> Option<Subscription> {
        let mut stage = self.0.lock();
        match take(&mut *stage) {
            Stage::Written(subscription) => Some(subscription),
            other => {
                *stage = other;
                None
            }
        }
    }
}
