//! What is kept of the use of an idempotency key.

use cstar_types::Event;
use sha2::{Digest, Sha256};

use crate::{Append, FanOut, NewEvent};

/// Half of a SHA-256: nobody finds two texts with the same one.
pub(crate) type Hash = [u8; 16];

/// An idempotency key, and what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUse {
    pub(crate) key: Hash,
    /// Of the type, the data, whether it is a test and which webhooks get it: what a repeat must have in common with
    /// the first.
    pub(crate) fingerprint: Hash,
}

fn half(hash: Sha256) -> Hash {
    let whole: [u8; 32] = hash.finalize().into();
    *whole.first_chunk().expect("16 of 32 bytes")
}

impl KeyUse {
    pub(crate) fn new(key: &str, event: &Event, fan_out: FanOut) -> Self {
        let (mark, only) = match fan_out {
            FanOut::Nobody => (0, None),
            FanOut::Matching => (1, None),
            FanOut::Only(webhook) => (2, Some(webhook.bits().to_be_bytes())),
        };
        let marks = [0, u8::from(event.id.is_test()), mark];
        let fingerprint = Sha256::new()
            .chain_update(event.event_type.as_str())
            .chain_update(marks)
            .chain_update(only.as_ref().map_or(&[][..], |webhook| webhook));
        Self {
            key: half(Sha256::new().chain_update(key)),
            fingerprint: half(fingerprint.chain_update(event.data())),
        }
    }
}

/// The keys of what is to be appended.
pub(crate) fn keys(append: &Append) -> Vec<Option<KeyUse>> {
    let key_of =
        |new: &NewEvent| new.idempotency_key.as_ref().map(|key| KeyUse::new(key, &new.event, append.fan_out));
    append.events.iter().map(key_of).collect()
}
