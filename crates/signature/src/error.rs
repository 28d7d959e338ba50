//! What can be wrong with a signed request.

use thiserror::Error;

use crate::header;

/// Why a request was not verified: never trust its body. Each names the mistake that is seen most often behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The header is absent or empty.
    #[error(
        "the request has no `{header}` header: check that a proxy or framework passes it on, under this name"
    )]
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// `webhook-timestamp` is not a whole number of seconds.
    #[error("`webhook-timestamp` is not a whole number of seconds since 1970: pass the header as it came")]
    MalformedTimestamp,
    /// Signed longer ago than the tolerance: sent again by somebody else, or the clocks differ.
    #[error("the request was signed {seconds} s ago, longer than is tolerated: check this machine's clock")]
    TooOld {
        /// How long ago.
        seconds: u64,
    },
    /// Signed further in the future than the tolerance.
    #[error(
        "the request was signed {seconds} s in the future, more than is tolerated: check this machine's clock"
    )]
    TooNew {
        /// How far ahead.
        seconds: u64,
    },
    /// `sha256=` or the like before the hex characters, as other platforms write it.
    #[error(
        "the signature has a prefix such as `sha256=`: `x-cstar-signature` is 64 hex characters and nothing else"
    )]
    Prefixed,
    /// Hex in upper case.
    #[error("the signature is in upper case: `x-cstar-signature` is lower-case hex, compare it as it came")]
    UpperCase,
    /// Base64 where hex belongs.
    #[error(
        "the signature is base64: `x-cstar-signature` is lower-case hex, so digest to hex, not to base64"
    )]
    Base64,
    /// The two signature headers were exchanged for one another.
    #[error("this is the other header's signature: pass `{expected}`")]
    WrongHeader {
        /// The header whose value was expected.
        expected: &'static str,
    },
    /// Neither 64 characters nor any form above.
    #[error(
        "the signature has {bytes} characters, not 64: pass the `x-cstar-signature` header alone, as it came"
    )]
    WrongLength {
        /// How many it has.
        bytes: usize,
    },
    /// 64 characters that are not all hex.
    #[error("the signature has characters that are not hex: pass the `x-cstar-signature` header as it came")]
    NotHex,
    /// `webhook-signature` holds no `v1,…`.
    #[error("`webhook-signature` holds no `v1,` signature: pass the header as it came")]
    NoVersion1,
    /// Nothing matches, and the body is empty, which no delivery's is.
    #[error("the body is empty: read the raw body before a parser consumes it, and verify that")]
    EmptyBody,
    /// Nothing matches, and the body does not begin as a delivery's does.
    #[error("the body is not the bytes that were sent: verify the raw body, before any parser or formatter")]
    BodyNotRaw,
    /// Nothing matches.
    #[error(
        "no signature matches: check that the secret is this webhook's own, and that the body is the raw bytes"
    )]
    NoMatch,
}

impl VerifyError {
    /// A stable name of the mistake, the same in every language's library.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing_header",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TooOld { .. } => "timestamp_too_old",
            Self::TooNew { .. } => "timestamp_too_new",
            Self::Prefixed => "signature_prefixed",
            Self::UpperCase => "signature_upper_case",
            Self::Base64 => "signature_base64",
            Self::WrongHeader { .. } => "wrong_header",
            Self::WrongLength { .. } => "signature_length",
            Self::NotHex => "signature_not_hex",
            Self::NoVersion1 => "signature_without_v1",
            Self::EmptyBody => "empty_body",
            Self::BodyNotRaw => "body_not_raw",
            Self::NoMatch => "no_match",
        }
    }

    /// A well-formed signature that does not match: what the body tells of why.
    ///
    /// Every genuine body is a compact envelope whose first key is `id` (W30, T1), so one that begins otherwise was
    /// parsed, re-serialised or wrapped on its way here.
    pub(crate) fn of_mismatch(body: &[u8]) -> Self {
        if body.is_empty() {
            Self::EmptyBody
        } else if !body.starts_with(br#"{"id":""#) {
            Self::BodyNotRaw
        } else {
            Self::NoMatch
        }
    }

    /// `value`, unless the header is absent or empty.
    pub(crate) fn require<'a>(value: Option<&'a [u8]>, header: &'static str) -> Result<&'a [u8], Self> {
        value.filter(|value| !value.is_empty()).ok_or(Self::MissingHeader { header })
    }

    pub(crate) const fn expected_body_signature() -> Self {
        Self::WrongHeader { expected: header::BODY_SIGNATURE }
    }

    pub(crate) const fn expected_standard_signature() -> Self {
        Self::WrongHeader { expected: header::WEBHOOK_SIGNATURE }
    }
}
