//! Signed texts that come back to who signed them: tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::mac::Keyed;

/// Signs and verifies tokens, `<claims>.<code>`, both in URL-safe base64.
///
/// The code is HMAC-SHA256 over audience and claims. A token does not say how it was signed, so nobody can choose a weaker
/// way, and one that was signed for an audience is worth nothing to any other.
#[derive(Clone)]
pub struct TokenKey(Keyed);

impl TokenKey {
    /// Takes in a key, which is to be secret and of full entropy.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Keyed::new(key))
    }

    /// The key of tokens that belongs to a master key: whoever has the one has the other, and nobody has this one alone.
    #[must_use]
    pub fn derived_from(master_key: &[u8; 32]) -> Self {
        Self(Keyed::new(&Keyed::new(master_key).code(&[b"cstar tokens"])))
    }

    /// The token that says `claims` to `audience`.
    #[must_use]
    pub fn sign(&self, audience: &str, claims: &[u8]) -> String {
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let code = URL_SAFE_NO_PAD.encode(self.code(audience, &claims));
        format!("{claims}.{code}")
    }

    /// The claims of a token that this key signed for `audience`; `None` of any other text.
    #[must_use]
    pub fn verify(&self, audience: &str, token: &str) -> Option<Vec<u8>> {
        let (claims, code) = token.split_once('.')?;
        let code = URL_SAFE_NO_PAD.decode(code).ok()?;
        let is_right: bool = self.code(audience, claims).as_slice().ct_eq(&code).into();
        if is_right { URL_SAFE_NO_PAD.decode(claims).ok() } else { None }
    }

    /// The audience is told from the claims by a byte that stands in neither.
    fn code(&self, audience: &str, claims: &str) -> [u8; 32] {
        self.0.code(&[audience.as_bytes(), b"\0", claims.as_bytes()])
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_for_one_audience_and_of_one_key() {
        let key = TokenKey::new(&[7; 32]);
        let token = key.sign("realtime", b"{}");
        assert_eq!(key.verify("realtime", &token).as_deref(), Some(&b"{}"[..]));
        assert_eq!(key.verify("portal", &token), None);
        assert_eq!(TokenKey::new(&[8; 32]).verify("realtime", &token), None);
        assert_eq!(format!("{key:?}"), "TokenKey(…)", "SEC-3");
    }

    proptest! {
        /// SEC-2: no other text passes for one that was signed.
        #[test]
        fn a_changed_token_is_none(claims: Vec<u8>, place: prop::sample::Index, letter in "[0-9A-Za-z_.-]") {
            let key = TokenKey::new(&[7; 32]);
            let token = key.sign("realtime", &claims);
            prop_assert_eq!(key.verify("realtime", &token), Some(claims));
            let mut changed = token.clone();
            let place = place.index(token.len());
            changed.replace_range(place..=place, &letter);
            prop_assume!(changed != token);
            prop_assert_eq!(key.verify("realtime", &changed), None);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,90}") {
            prop_assert_eq!(TokenKey::new(&[7; 32]).verify("realtime", &text), None);
        }
    }
}
