//! The listener's signing secret: the same at every start for one team and key (T21).

use cstar_signature::Secret;
use cstar_types::TeamId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Keeps this use of the key apart from any other.
const PURPOSE: &[u8] = b"cstar listen: signing secret, version 1";

/// Derives the secret from the key, so that nothing has to be kept and only the key's holder can make it.
pub(crate) fn derive(key: &str, team: TeamId) -> Secret {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(PURPOSE);
    mac.update(team.as_uuid().as_bytes());
    Secret::generate(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T21
    #[test]
    fn one_team_and_key_always_give_the_same_secret() {
        let team: TeamId = "550e8400-e29b-41d4-a716-446655440000".parse().unwrap();
        let other: TeamId = "550e8400-e29b-41d4-a716-446655440001".parse().unwrap();
        let secret = derive("csk_a", team);
        assert_eq!(secret.reveal(), "whsec_/xoHVQH8BFnohlHPWCP4thXmpGPtdvRcUxSnviW/bzM=");
        assert_ne!(secret.reveal(), derive("csk_b", team).reveal());
        assert_ne!(secret.reveal(), derive("csk_a", other).reveal());
    }
}
