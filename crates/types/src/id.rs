//! Identifiers: a prefix that names the kind, and 128 bits in Crockford's base 32, lower-case, 26 characters.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits at 5 a character, rounded up.
const ENCODED_LEN: usize = 26;
const TEST_MARK: &str = "test_";

/// The text is no identifier of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind: expected `{prefix}` and {ENCODED_LEN} characters of 0-9 and a-z")]
pub struct NotAnId {
    /// What the identifier should begin with.
    pub prefix: &'static str,
}

/// What an [`Id`] identifies.
pub trait IdKind: Copy + Eq + Ord + std::hash::Hash + fmt::Debug + Send + Sync + 'static {
    /// What the text form begins with, underscore included.
    const PREFIX: &'static str;
}

/// An identifier of one kind. Ordered as its 128 bits; made from a UUID version 7 it rises with time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K: IdKind> {
    bits: u128,
    kind: PhantomData<K>,
}

impl<K: IdKind> Id<K> {
    /// The identifier with these bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// The identifier with the bits of this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self::from_bits(uuid.as_u128())
    }

    /// The 128 bits, as the store keeps them.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.bits
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::PREFIX)?;
        f.write_str(text(&encode(self.bits)))
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let rest = text.strip_prefix(K::PREFIX).ok_or(NotAnId { prefix: K::PREFIX })?;
        decode(rest).map(Self::from_bits).ok_or(NotAnId { prefix: K::PREFIX })
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Marks the identifier of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookKind {}
/// Marks the identifier of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKind {}
/// Marks the identifier of a team key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {}
/// Marks the identifier of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {}
/// Marks the identifier of an entry of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditKind {}
/// Marks the identifier of an open stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {}

impl IdKind for WebhookKind {
    const PREFIX: &'static str = "wh_";
}
impl IdKind for DeliveryKind {
    const PREFIX: &'static str = "dlv_";
}
impl IdKind for KeyKind {
    const PREFIX: &'static str = "key_";
}
impl IdKind for OperationKind {
    const PREFIX: &'static str = "op_";
}
impl IdKind for AuditKind {
    const PREFIX: &'static str = "aud_";
}
impl IdKind for StreamKind {
    const PREFIX: &'static str = "str_";
}

/// Identifies a webhook.
pub type WebhookId = Id<WebhookKind>;
/// Identifies a delivery: one for each event and webhook, the same on every attempt (T8).
pub type DeliveryId = Id<DeliveryKind>;
/// Identifies a team key; it is the public part of the key.
pub type KeyId = Id<KeyKind>;
/// Identifies an operation.
pub type OperationId = Id<OperationKind>;
/// Identifies an entry of the audit log.
pub type AuditId = Id<AuditKind>;
/// Identifies an open stream, for as long as it is open.
pub type StreamId = Id<StreamKind>;

/// Identifies an event, the same everywhere (T8): `evt_…`, or `evt_test_…` for a test event (W31, T20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    bits: u128,
    test: bool,
}

impl EventId {
    /// What every event identifier begins with.
    pub const PREFIX: &'static str = "evt_";
    /// The length of the longest event identifier, in bytes.
    pub const MAX_LEN: usize = Self::PREFIX.len() + TEST_MARK.len() + ENCODED_LEN;

    /// The identifier with these bits; `test` marks a test event.
    #[must_use]
    pub const fn from_bits(bits: u128, test: bool) -> Self {
        Self { bits, test }
    }

    /// The identifier with the bits of this UUID, which should be of version 7, so that identifiers rise.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid, test: bool) -> Self {
        Self::from_bits(uuid.as_u128(), test)
    }

    /// The 128 bits, as the store keeps them.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.bits
    }

    /// Whether this is a test event (T20).
    #[must_use]
    pub const fn is_test(self) -> bool {
        self.test
    }

    const fn mark(self) -> &'static str {
        if self.test { TEST_MARK } else { "" }
    }

    /// The length of its text, in bytes.
    pub(crate) const fn text_len(self) -> usize {
        Self::PREFIX.len() + self.mark().len() + ENCODED_LEN
    }

    /// Appends its text.
    pub(crate) fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(Self::PREFIX.as_bytes());
        out.extend_from_slice(self.mark().as_bytes());
        out.extend_from_slice(&encode(self.bits));
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(self.mark())?;
        f.write_str(text(&encode(self.bits)))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let error = NotAnId { prefix: Self::PREFIX };
        let rest = text.strip_prefix(Self::PREFIX).ok_or(error)?;
        let (rest, test) = rest.strip_prefix(TEST_MARK).map_or((rest, false), |rest| (rest, true));
        decode(rest).map(|bits| Self { bits, test }).ok_or(error)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Identifies a team: the application's own UUID, or one that the server made (W33).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TeamId(Uuid);

impl TeamId {
    /// The operator, whose log holds the notices. It is no team of anybody's: no team has this id.
    pub const OPERATOR: Self = Self(Uuid::nil());

    /// The team with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for TeamId {
    type Err = uuid::Error;

    /// Takes the hyphenated form alone, in letters of either case; it is written in lower case.
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        uuid::fmt::Hyphenated::from_str(text).map(|uuid| Self(uuid.into_uuid()))
    }
}

fn encode(bits: u128) -> [u8; ENCODED_LEN] {
    let mut out = [0; ENCODED_LEN];
    // In parts that fit a register, the lowest first.
    let mut rest = bits;
    for part in out.rchunks_mut(12) {
        let mut digits = rest as u64;
        for place in part.iter_mut().rev() {
            *place = ALPHABET[usize::from(digits as u8 & 31)];
            digits >>= 5;
        }
        rest >>= 12 * 5;
    }
    out
}

fn text(encoded: &[u8; ENCODED_LEN]) -> &str {
    std::str::from_utf8(encoded).expect("the alphabet is ASCII")
}

fn decode(text: &str) -> Option<u128> {
    let bytes: &[u8; ENCODED_LEN] = text.as_bytes().try_into().ok()?;
    if bytes[0] > b'7' {
        return None; // 26 characters hold 130 bits; the first may use three of its five
    }
    bytes.iter().try_fold(0u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
        Some(bits << 5 | digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// W31, T20
        #[test]
        fn event_ids_come_back(bits: u128, test: bool) {
            let id = EventId::from_bits(bits, test);
            let text = id.to_string();
            prop_assert!(text.starts_with("evt_"));
            prop_assert_eq!(text.starts_with("evt_test_"), test);
            prop_assert_eq!(text.parse::<EventId>(), Ok(id));
        }

        #[test]
        fn order_of_the_text_is_order_of_the_bits(a: u128, b: u128) {
            let (a, b) = (WebhookId::from_bits(a), WebhookId::from_bits(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn no_text_breaks_the_parser(text in ".{0,40}") {
            let _ = text.parse::<EventId>();
            let _ = text.parse::<DeliveryId>();
        }
    }

    #[test]
    fn a_foreign_or_overlong_identifier_is_refused() {
        let webhook = WebhookId::from_bits(7).to_string();
        assert!(webhook.parse::<DeliveryId>().is_err());
        assert!("wh_80000000000000000000000000".parse::<WebhookId>().is_err(), "129 bits");
        assert!("wh_7zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<WebhookId>().is_ok());
        assert!(webhook.to_uppercase().parse::<WebhookId>().is_err(), "one spelling only");
    }

    #[test]
    fn a_team_is_written_in_one_way() {
        let team = "550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(team.parse::<TeamId>().unwrap().to_string(), team);
        assert_eq!(team.to_uppercase().parse::<TeamId>().unwrap().to_string(), team);
        assert!("550e8400e29b41d4a716446655440000".parse::<TeamId>().is_err());
    }
}
