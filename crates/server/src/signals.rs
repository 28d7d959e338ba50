//! The signals that end a server.

use tokio::signal::unix::{SignalKind, signal};

/// Completes at SIGTERM or SIGINT.
///
/// # Errors
/// When the process cannot listen for signals.
pub fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Completes at the second SIGINT from now on: somebody does not want to wait.
///
/// # Errors
/// When the process cannot listen for signals.
pub fn interrupted_twice() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        interrupt.recv().await;
        interrupt.recv().await;
    })
}
