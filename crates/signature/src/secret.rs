//! The secret that a webhook's requests are signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

/// What every secret begins with, so that people and scanners recognise one.
const PREFIX: &str = "whsec_";

/// The shortest and the longest key that Standard Webhooks 1.0 allows, in bytes after decoding.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A webhook's secret: `whsec_` and the base64 of its key.
///
/// SEC-3: it cannot be displayed or serialized, its `Debug` says nothing, and its memory is zeroized on drop. Whoever
/// stores it or shows it, once, asks by name: [`Secret::reveal`].
///
/// ```compile_fail,E0277
/// let secret = cstar_signature::Secret::generate([7; 32]);
/// println!("{secret}");
/// ```
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    key: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// The secret of 32 bytes from a cryptographic random source.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        let encoded = Zeroizing::new(STANDARD.encode(&random[..]));
        let text = Zeroizing::new([PREFIX, encoded.as_str()].concat());
        Self { text, key: Zeroizing::new(random.to_vec()) }
    }

    /// A secret that was made elsewhere: `whsec_` and the standard, padded base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// When it is not that; the error names what is wrong and never repeats the text.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if text.trim().len() != text.len() {
            return Err(SecretError::SurroundingSpace);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::MissingPrefix)?;
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError::NotBase64)?);
        if !KEY_BYTES.contains(&key.len()) {
            return Err(SecretError::WrongLength { bytes: key.len() });
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), key })
    }

    /// The secret as text, to be encrypted, or shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The key of `x-cstar-signature` (W39).
    pub(crate) fn whole(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key of `webhook-signature` (T5).
    pub(crate) fn decoded(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// In constant time: a difference tells nothing of where it is.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.whole().ct_eq(other.whole()).into()
    }
}

impl Eq for Secret {}

/// Why a text is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// White space around it, as a file's last newline leaves it.
    #[error("the secret has white space around it: trim it where it is read from a file or the environment")]
    SurroundingSpace,
    /// Not `whsec_…`.
    #[error("the secret does not begin with `whsec_`: give the whole secret as it was shown at its creation")]
    MissingPrefix,
    /// After the prefix, anything but standard base64 with padding.
    #[error(
        "what follows `whsec_` is not standard base64 with padding: copy the secret again, to its last character"
    )]
    NotBase64,
    /// Too short to be safe, or too long for the standard.
    #[error("the secret encodes {bytes} bytes: it must encode 24 to 64 random bytes")]
    WrongLength {
        /// How many bytes it encodes.
        bytes: usize,
    },
}

impl SecretError {
    /// A stable name of the mistake, the same in every language's library.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SurroundingSpace => "secret_has_space",
            Self::MissingPrefix => "secret_without_prefix",
            Self::NotBase64 => "secret_not_base64",
            Self::WrongLength { .. } => "secret_length",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SEC-3: neither the text nor the key shows in any way of printing.
    #[test]
    fn debug_is_redacted() {
        let secret = Secret::generate([0x41; 32]);
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    Secret(redacted),\n)");
        let error = Secret::parse("whsec_not/a/secret!").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("not/a/secret"));
    }

    #[test]
    fn equality_is_of_the_whole_text() {
        assert_eq!(Secret::generate([1; 32]), Secret::generate([1; 32]));
        assert_ne!(Secret::generate([1; 32]), Secret::generate([2; 32]));
    }

    proptest! {
        /// T5: what is generated is `whsec_` + base64 of 32 bytes, and is read back as itself.
        #[test]
        fn generated_secrets_are_parsed_back(random: [u8; 32]) {
            let secret = Secret::generate(random);
            prop_assert_eq!(secret.reveal().len(), 6 + 44);
            let parsed = Secret::parse(secret.reveal()).unwrap();
            prop_assert_eq!(parsed.decoded(), &random[..]);
            prop_assert_eq!(parsed, secret);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "(whsec_)?\\PC{0,120}") {
            if let Ok(secret) = Secret::parse(&text) {
                prop_assert_eq!(secret.reveal(), text);
            }
        }
    }
}
