//! The commands, a file each.

pub(crate) mod deliveries;
pub(crate) mod dev;
pub(crate) mod events;
pub(crate) mod keys;
mod rows;
pub(crate) mod serve;
pub(crate) mod teams;
pub(crate) mod webhooks;
