//! Secrets, and the two ways in which every webhook request is signed with one.
//!
//! | header | what is signed | key | form |
//! |---|---|---|---|
//! | `x-cstar-signature` | the body alone (W40) | the whole secret as UTF-8 bytes (W39) | 64 lower-case hex characters (W38) |
//! | `webhook-signature` | `id.timestamp.body` (T4) | the bytes that the secret encodes (T5) | `v1,` and base64, one for each secret |
//!
//! Both are HMAC-SHA256. The second is the [Standard Webhooks](https://www.standardwebhooks.com) scheme: a request
//! that it protects cannot be sent again later by somebody who overheard it.
//!
//! A sender makes a [`Signer`] for each webhook and keeps it; a receiver calls [`verify_body`] or [`verify_standard`],
//! whose error names the mistake. Nothing here knows a clock: timestamps are passed in.
//!
//! ```
//! use cstar_signature::{Headers, Secret, Signer, TOLERANCE_S, header, verify_body, verify_standard};
//!
//! let secret = Secret::generate([7; 32]); // random in earnest
//! let body = br#"{"id":"evt_abc123","type":"ticket.created"}"#;
//! let signed_at_s = 1_765_377_000;
//!
//! let signer = Signer::new(&secret, None);
//! let body_signature = signer.body(body);
//! let standard_signature = signer.standard("evt_abc123", signed_at_s, body);
//!
//! verify_body(&secret, body, Some(body_signature.as_str()))?;
//!
//! let headers = Headers {
//!     id: Some(b"evt_abc123"),
//!     timestamp: Some(b"1765377000"),
//!     signature: Some(standard_signature.as_bytes()),
//! };
//! verify_standard(&secret, headers, body, signed_at_s + 2, TOLERANCE_S)?;
//! # Ok::<(), cstar_signature::VerifyError>(())
//! ```

mod body;
mod error;
pub mod header;
mod mac;
mod secret;
mod signer;
mod standard;
mod token;

pub use body::{BodySignature, verify_body};
pub use error::VerifyError;
pub use secret::{Secret, SecretError};
pub use signer::Signer;
pub use standard::{Headers, TOLERANCE_S, verify_standard};
pub use token::TokenKey;
