//! Taking connections, no more than there are places for.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// Rest after a failed accept, such as when descriptors run out: others may be freed meanwhile.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// What keeps connections from being taken is told so often at most: it comes in floods.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Where connections come in, one for each free place.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    told_at: Option<Instant>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, places: usize) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(places)), told_at: None }
    }

    /// The next connection, and whose it is. Safe to drop while it waits.
    pub(super) async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        if self.places.available_permits() == 0 && self.is_news() {
            tracing::warn!("as many connections are open as there may be; others wait until one is closed");
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("this semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, place),
                Err(error) if is_of_one_connection(&error) => {
                    tracing::debug!(%error, "a connection broke before it was taken");
                }
                Err(error) => {
                    if self.is_news() {
                        tracing::warn!(%error, "connections cannot be taken");
                    }
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    fn is_news(&mut self) -> bool {
        let now = Instant::now();
        let is_news = self.told_at.is_none_or(|told_at| now.duration_since(told_at) >= TELL_EVERY);
        if is_news {
            self.told_at = Some(now);
        }
        is_news
    }
}

/// Whether the next connection may fare better at once.
fn is_of_one_connection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_connection_does_not_hold_up_the_next() {
        assert!(is_of_one_connection(&ErrorKind::ConnectionAborted.into()));
        const TOO_MANY_OPEN_FILES: i32 = 24;
        assert!(!is_of_one_connection(&Error::from_raw_os_error(TOO_MANY_OPEN_FILES)));
    }
}
