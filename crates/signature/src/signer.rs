//! The sender's side: a webhook's keys, ready to sign.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::body::BodySignature;
use crate::mac::Keyed;
use crate::secret::Secret;

/// `v1,` and 44 characters of base64.
const ENTRY_LEN: usize = 3 + 44;

/// Signs the requests of one webhook.
///
/// Made once from the webhook's secrets, and again when they change: it holds the keys as hash states that each request
/// starts from.
///
/// T3: while a secret is being rotated there are two. `x-cstar-signature` has room for one signature, and receivers
/// still hold the previous secret, so that one makes it; `webhook-signature` carries both, so a receiver can change over
/// at any moment of the overlap.
#[derive(Clone)]
pub struct Signer {
    body: Keyed,
    current: Keyed,
    previous: Option<Keyed>,
}

impl Signer {
    /// A signer with `current`, and with `previous` for as long as its overlap lasts.
    #[must_use]
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        Self {
            body: Keyed::new(previous.unwrap_or(current).whole()),
            current: Keyed::new(current.decoded()),
            previous: previous.map(|previous| Keyed::new(previous.decoded())),
        }
    }

    /// The value of `x-cstar-signature`.
    #[must_use]
    pub fn body(&self, body: &[u8]) -> BodySignature {
        BodySignature::new(&self.body, body)
    }

    /// The value of `webhook-signature`: the current secret's signature, then the previous one's.
    ///
    /// `id` is the event's id, without a full stop in it, which would blur where it ends; `timestamp_s` is this
    /// attempt's time in whole seconds since 1970. Both must be sent as they are given here.
    #[must_use]
    pub fn standard(&self, id: &str, timestamp_s: u64, body: &[u8]) -> String {
        debug_assert!(!id.contains('.'), "the id would not be told from the timestamp");
        let timestamp = timestamp_s.to_string();
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let mut value = String::with_capacity(2 * ENTRY_LEN + 1);
        for keyed in [Some(&self.current), self.previous.as_ref()].into_iter().flatten() {
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str("v1,");
            STANDARD.encode_string(keyed.code(&signed), &mut value);
        }
        value
    }
}

/// SEC-3: says nothing of its keys.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(redacted)")
    }
}
