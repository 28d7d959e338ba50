//! What stores that keep rows have in common, and what no database has to do with: the form of what is written, and what is
//! remembered of it.

pub(crate) mod checksum;
pub(crate) mod filters;
pub(crate) mod key_use;
pub(crate) mod kind;
pub(crate) mod known_keys;
pub(crate) mod known_types;
pub(crate) mod place;
pub(crate) mod standing;
pub(crate) mod text;
pub(crate) mod vault;
pub(crate) mod work;

pub use vault::MasterKey;
