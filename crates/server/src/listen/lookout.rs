//! Noticing that a peer is gone, not slow.
//!
//! `TCP_USER_TIMEOUT` cannot tell the two apart: Linux applies it also to a peer that answers each question for room, and
//! says that it has none. That is a reader which stands still, and may for longer.

use std::time::Duration;

use tokio::time::sleep;

use super::sock_diag::{Ends, Standing};

/// Looks at each connection in the time after which a silent peer is gone: a peer that owes an acknowledgement at a look
/// and at the one before was not merely asked this moment.
const LOOKS: u32 = 3;

/// Looks at one connection, every [`Lookout::every`].
#[derive(Debug)]
pub(super) struct Lookout {
    ends: Ends,
    silence: Duration,
    before: Option<Standing>,
}

impl Lookout {
    pub(super) const fn new(ends: Ends, silence: Duration) -> Self {
        Self { ends, silence, before: None }
    }

    /// The time between two looks at a connection.
    pub(super) fn every(silence: Duration) -> Duration {
        silence / LOOKS
    }

    /// Whether the peer has acknowledged nothing for so long, while there was something to acknowledge.
    pub(super) fn finds_it_gone(&mut self) -> bool {
        let now = self.ends.standing().unwrap_or_else(|error| {
            tracing::debug!(%error, "the system does not say how a connection stands");
            None
        });
        is_gone(std::mem::replace(&mut self.before, now), now, self.silence)
    }

    /// Completes once the peer is gone, a third of that time later at most.
    pub(super) async fn gone(&mut self) {
        loop {
            sleep(Self::every(self.silence)).await;
            if self.finds_it_gone() {
                return;
            }
        }
    }
}

fn is_gone(before: Option<Standing>, now: Option<Standing>, silence: Duration) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return false };
    before.owes && now.owes && now.silent_for >= silence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_gone_that_owes_and_is_silent() {
        let standing = |owes, seconds| Some(Standing { owes, silent_for: Duration::from_secs(seconds) });
        let check = |before, now| is_gone(before, now, Duration::from_secs(45));
        assert!(check(standing(true, 30), standing(true, 45)));
        assert!(!check(standing(true, 29), standing(true, 44)), "not for long enough");
        assert!(
            !check(standing(false, 110), standing(true, 125)),
            "it was asked this moment, after a long rest"
        );
        assert!(!check(standing(true, 110), standing(false, 125)), "it owes nothing");
        assert!(!check(None, standing(true, 60)) && !check(standing(true, 60), None));
    }
}
