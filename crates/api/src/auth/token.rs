//! Realtime tokens: `cst_<claims>.<code>`, short-lived and signed, for a browser that must hold no key (T17).
//!
//! A token opens its team's stream and nothing else. It sees no more than its maker, lives no longer, and dies with it: the
//! maker is looked up each time (SEC-2).

use std::time::Duration;

use cstar_signature::TokenKey;
use cstar_types::{KeyId, Patterns, TeamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Caller;

pub(crate) const PREFIX: &str = "cst_";
/// Where tokens of this kind are good for anything.
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
        }
    }

    /// Its text.
    pub(crate) fn write(&self, key: &TokenKey) -> String {
        let claims = serde_json::to_vec(self).expect("ids, patterns and an instant can be written");
        format!("{PREFIX}{}", key.sign(AUDIENCE, &claims))
    }

    /// What `text` says, if this server signed it.
    pub(crate) fn read(text: &str, key: &TokenKey) -> Option<Self> {
        let claims = key.verify(AUDIENCE, text.strip_prefix(PREFIX)?)?;
        serde_json::from_slice(&claims).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let key = TokenKey::new(&[7; 32]);
        let token = Token {
            team: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
            types: Patterns::parse_list("ticket.*").unwrap(),
            expires_at: Timestamp::from_millis(1_765_377_000_000),
            maker: Some(KeyId::from_bits(9)),
        };
        let text = token.write(&key);
        assert_eq!(Token::read(&text, &key), Some(token));
        assert_eq!(Token::read(&text, &TokenKey::new(&[8; 32])), None);
        assert_eq!(
            Token::read(&format!("{PREFIX}{}", key.sign("portal", b"{}")), &key),
            None,
            "another audience"
        );
        assert_eq!(
            Token::read(&format!("{PREFIX}{}", key.sign(AUDIENCE, b"{}")), &key),
            None,
            "not a token's claims"
        );
    }
}
