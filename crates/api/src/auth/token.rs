//! Realtime tokens: `cst_<claims>.<code>`, short-lived and signed, for a browser that must hold no key (T17).
//!
//! A token opens its team's stream and nothing else. It sees no more than its maker, lives no longer, and dies with it: the
//! maker is looked up each time (SEC-2).

use std::time::Duration;

use cstar_types::{KeyId, Patterns, TeamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Caller;
use crate::Options;

pub(crate) const PREFIX: &str = "cst_";
/// Where tokens of this kind are good for anything; of the platform key, for as long as that is the platform key.
const AUDIENCE: &str = "realtime";

/// Long enough for a page to load and connect; a page that stays gets a new one by itself.
pub(crate) const LIFE_DEFAULT: Duration = Duration::from_secs(600);
/// A token that leaks is worth something for as long.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(3600);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) team: TeamId,
    /// The types that it sees.
    pub(crate) types: Patterns,
    /// From when on it opens nothing.
    #[serde(rename = "exp")]
    pub(crate) expires_at: Timestamp,
    /// The key that made it; none if that was the platform key.
    #[serde(rename = "key", default, skip_serializing_if = "Option::is_none")]
    pub(crate) maker: Option<KeyId>,
    /// Tells tokens apart.
    pub(crate) id: u128,
}

impl Token {
    /// A token of `maker`, which sees `types`. It does not outlive its maker.
    pub(crate) fn of(maker: &Caller, team: TeamId, types: Patterns, life: Duration, now: Timestamp) -> Self {
        let expires_at = now.plus(life);
        let key = match maker {
            Caller::Key(key) => Some(key.id),
            Caller::Platform | Caller::Token(_) => None,
        };
        Self {
            team,
            types,
            expires_at: maker.expires_at().map_or(expires_at, |end| end.min(expires_at)),
            maker: key,
            id: rand::random(),
        }
    }

    /// Its text.
    pub(crate) fn write(&self, options: &Options) -> String {
        let claims = serde_json::to_vec(self).expect("ids, patterns and an instant can be written");
        let audience = if self.maker.is_some() { AUDIENCE.to_owned() } else { audience_of_platform(options) };
        format!("{PREFIX}{}", options.token_key.sign(&audience, &claims))
    }

    /// What `text` says, if this server signed it, and it was not for another platform key.
    pub(crate) fn read(text: &str, options: &Options) -> Option<Self> {
        let text = text.strip_prefix(PREFIX)?;
        let read = |audience: &str| -> Option<Self> {
            serde_json::from_slice(&options.token_key.verify(audience, text)?).ok()
        };
        let of_key = read(AUDIENCE).filter(|token| token.maker.is_some());
        of_key.or_else(|| read(&audience_of_platform(options)).filter(|token| token.maker.is_none()))
    }
}

/// A token dies with the key that made it, the platform key included.
fn audience_of_platform(options: &Options) -> String {
    let digest = options.platform_key_digest.iter();
    digest.fold(AUDIENCE.to_owned(), |audience, byte| format!("{audience} {byte:02x}"))
}

#[cfg(test)]
mod tests {
    use cstar_signature::TokenKey;

    use super::*;

    fn options(platform: u8, key: u8) -> Options {
        Options::new([platform; 32], TokenKey::new(&[key; 32]))
    }

    fn token(maker: Option<KeyId>) -> Token {
        Token {
            team: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
            types: Patterns::parse_list("ticket.*").unwrap(),
            expires_at: Timestamp::from_millis(1_765_377_000_000),
            maker,
            id: u128::MAX,
        }
    }

    #[test]
    fn what_was_written_is_read() {
        for token in [token(Some(KeyId::from_bits(9))), token(None)] {
            let text = token.write(&options(1, 7));
            assert_eq!(Token::read(&text, &options(1, 7)), Some(token));
            assert_eq!(Token::read(&text, &options(1, 8)), None, "signed by another");
        }
    }

    /// SEC-2: a token dies with the key that made it.
    #[test]
    fn another_platform_key_ends_the_tokens_of_the_one_before() {
        let text = token(None).write(&options(1, 7));
        assert_eq!(Token::read(&text, &options(2, 7)), None);
        let of_key = token(Some(KeyId::from_bits(9)));
        assert_eq!(Token::read(&of_key.write(&options(1, 7)), &options(2, 7)), Some(of_key));
    }

    #[test]
    fn what_was_signed_for_something_else_is_no_token() {
        let options = options(1, 7);
        let sign =
            |audience: &str, claims: &[u8]| format!("{PREFIX}{}", options.token_key.sign(audience, claims));
        let claims = serde_json::to_vec(&token(None)).unwrap();
        assert_eq!(Token::read(&sign("portal", &claims), &options), None, "another audience");
        assert_eq!(
            Token::read(&sign(AUDIENCE, &claims), &options),
            None,
            "the platform's, signed as a key's"
        );
        assert_eq!(Token::read(&sign(AUDIENCE, b"{}"), &options), None, "not a token's claims");
    }
}
