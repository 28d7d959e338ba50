//! The commands, a file each.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod deliveries;
pub(crate) mod dev;
pub(crate) mod event_types;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod move_data;
pub(crate) mod notices;
pub(crate) mod operations;
pub(crate) mod profiles;
pub(crate) mod rotate_master_key;
mod rows;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod teams;
pub(crate) mod verify;
pub(crate) mod webhooks;

use crate::exit::CliError;

/// Does what blocks on a thread of its own, so that an interrupt ends the command meanwhile.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CliError> + Send + 'static,
) -> Result<T, CliError> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
