//! What the machine does for nothing: the same bytes, the same rows, the same disk, without a server in between.

pub(crate) mod insert;
pub(crate) mod post;
pub(crate) mod send;
pub(crate) mod sync;
