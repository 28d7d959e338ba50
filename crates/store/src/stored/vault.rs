//! Secrets at rest (SEC-3): XChaCha20-Poly1305 under the operator's master key, bound to the row they stand in.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use cstar_types::{TeamId, WebhookId};
use rand::Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The first byte of what is sealed, so that another way of sealing can be told from this one.
const FORMAT: u8 = 1;
/// Tells master keys apart, so that another key is not taken for damage; it is a hash of the key and betrays nothing of it.
const KEY_ID_BYTES: usize = 4;
/// Random nonces of this length do not repeat.
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;

/// The key that secrets are encrypted with. Wiped when dropped; it cannot print itself.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The master key with these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Tells it from others, for people; it betrays nothing of the key.
    #[must_use]
    pub fn id_text(&self) -> String {
        hex(&self.id())
    }

    fn id(&self) -> [u8; KEY_ID_BYTES] {
        let hash = Sha256::new().chain_update(b"cstar master key id").chain_update(*self.0).finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which master key this was sealed with, as [`MasterKey::id_text`] says it.
pub(crate) fn key_of(sealed: &[u8]) -> Option<String> {
    sealed.get(1..1 + KEY_ID_BYTES).filter(|_| sealed[0] == FORMAT).map(hex)
}

/// What is sealed, and in which row: what was sealed for one cannot be opened as another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sealed {
    /// Known text, by which a wrong master key is noticed at the start.
    Probe,
    /// A webhook's secret.
    Secret(TeamId, WebhookId),
    /// The secret before it, during rotation.
    PreviousSecret(TeamId, WebhookId),
    /// A webhook's static headers, whose values may be credentials of the receiver.
    Headers(TeamId, WebhookId),
}

impl Sealed {
    fn associated(self) -> [u8; 33] {
        let (purpose, row) = match self {
            Self::Probe => (0, None),
            Self::Secret(team, webhook) => (1, Some((team, webhook))),
            Self::PreviousSecret(team, webhook) => (2, Some((team, webhook))),
            Self::Headers(team, webhook) => (3, Some((team, webhook))),
        };
        let mut bytes = [0; 33];
        bytes[0] = purpose;
        if let Some((team, webhook)) = row {
            bytes[1..17].copy_from_slice(team.as_uuid().as_bytes());
            bytes[17..].copy_from_slice(&webhook.bits().to_be_bytes());
        }
        bytes
    }
}

/// Why a secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It was sealed with a master key that is not here.
    OtherKey,
    /// It is not what was sealed, or not for this row.
    Damaged,
}

/// Seals and opens with the master key.
pub(crate) struct Vault {
    key: MasterKey,
}

impl Vault {
    pub(crate) fn new(key: MasterKey) -> Self {
        Self { key }
    }

    pub(crate) fn seal(&self, what: Sealed, clear: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: clear, aad: &what.associated() };
        let encrypted = self.key.cipher().encrypt(&XNonce::from(nonce), payload);
        let encrypted = encrypted.expect("a secret is shorter than the 256 GiB that the cipher takes");
        let mut sealed = Vec::with_capacity(HEAD_BYTES + encrypted.len());
        sealed.push(FORMAT);
        sealed.extend(self.key.id());
        sealed.extend(nonce);
        sealed.extend(encrypted);
        sealed
    }

    pub(crate) fn open(&self, what: Sealed, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Shut> {
        let (head, encrypted) = sealed.split_at_checked(HEAD_BYTES).ok_or(Shut::Damaged)?;
        let (format, head) = head.split_at(1);
        let (key_id, nonce) = head.split_at(KEY_ID_BYTES);
        if format != [FORMAT] {
            return Err(Shut::Damaged);
        }
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Shut::Damaged)?;
        if self.key.id() != key_id {
            return Err(Shut::OtherKey);
        }
        let payload = Payload { msg: encrypted, aad: &what.associated() };
        let clear = self.key.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| Shut::Damaged)?;
        Ok(Zeroizing::new(clear))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECRET: &[u8] = b"whsec_secret";

    fn row(team: u128, webhook: u128) -> (TeamId, WebhookId) {
        (TeamId::from_uuid(Uuid::from_u128(team)), WebhookId::from_bits(webhook))
    }

    fn vault(byte: u8) -> Vault {
        Vault::new(MasterKey::new([byte; 32]))
    }

    /// SEC-3: a sealed secret opens in its own row alone, and no two look alike.
    #[test]
    fn a_secret_is_bound_to_its_row() {
        let vault = vault(1);
        let (team, webhook) = row(1, 2);
        let sealed = vault.seal(Sealed::Secret(team, webhook), SECRET);
        assert_eq!(**vault.open(Sealed::Secret(team, webhook), &sealed).unwrap(), *SECRET);
        assert_ne!(vault.seal(Sealed::Secret(team, webhook), SECRET), sealed);
        assert!(!sealed.windows(5).any(|window| window == &SECRET[..5]));

        let elsewhere = [
            Sealed::PreviousSecret(team, webhook),
            Sealed::Headers(team, webhook),
            Sealed::Secret(row(1, 3).0, row(1, 3).1),
            Sealed::Secret(row(2, 2).0, row(2, 2).1),
            Sealed::Probe,
        ];
        for other in elsewhere {
            assert_eq!(vault.open(other, &sealed).unwrap_err(), Shut::Damaged, "{other:?}");
        }
    }

    /// LOG-3, SEC-3
    #[test]
    fn no_bit_of_it_can_change_unnoticed() {
        let vault = vault(1);
        let sealed = vault.seal(Sealed::Probe, SECRET);
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(vault.open(Sealed::Probe, &other).is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(vault.open(Sealed::Probe, &sealed[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let sealed = vault(1).seal(Sealed::Probe, SECRET);
        assert_eq!(vault(2).open(Sealed::Probe, &sealed).unwrap_err(), Shut::OtherKey);
    }
}
