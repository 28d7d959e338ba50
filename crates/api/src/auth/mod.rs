//! Who asks, and what they may.
//!
//! [`guard`] stands before every route under `/v1`: it reads the key, and holds a team's key to its own team before
//! anything else of the request is looked at (T24). Routes then ask the [`Caller`] for scopes and patterns (SEC-2).

mod access;
mod by;
mod caller;
mod credential;
mod guard;
mod key_text;
mod session;
mod token;
mod uses;

pub(crate) use access::{Access, PathId};
pub(crate) use by::{By, Whence};
pub(crate) use caller::Caller;
pub(crate) use guard::{admit, caller_of, guard};
pub(crate) use key_text::{write as write_key, write_secret};
pub(crate) use session::{BySession, SESSION_LIFE, cookie, no_cookie, not_from_elsewhere};
pub(crate) use token::{LIFE_DEFAULT, LIFE_MAX, Token};
pub(crate) use uses::KeyUses;

use sha2::{Digest, Sha256};

/// What is stored of a key: keys are random, so a fast hash is enough.
pub(crate) fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
