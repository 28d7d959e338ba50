//! The commands, a file each.

pub(crate) mod deliveries;
pub(crate) mod dev;
pub(crate) mod event_types;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod operations;
pub(crate) mod profiles;
mod rows;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod teams;
pub(crate) mod verify;
pub(crate) mod webhooks;
