//! A listener that nobody may reach.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wait::until;

/// Listens on loopback and notes who comes: one connection is one too many, whatever was sent over it.
#[derive(Debug)]
pub struct Canary {
    address: SocketAddr,
    visitors: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Canary {
    /// A canary.
    ///
    /// # Panics
    /// Without a free port.
    pub async fn new() -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// A canary in this place.
    ///
    /// # Panics
    /// When it is taken.
    pub async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let visitors = Arc::new(Mutex::default());
        let seen: Arc<Mutex<Vec<SocketAddr>>> = Arc::clone(&visitors);
        let task = tokio::spawn(async move {
            while let Ok((_, visitor)) = listener.accept().await {
                seen.lock().expect("nobody panics with it").push(visitor);
            }
        });
        Self { address, visitors, task }
    }

    /// Where it sits.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were made up to now. The kernel hands them over in order, so it visits the canary itself and
    /// waits until that has been seen.
    ///
    /// # Panics
    /// When it cannot be reached from here.
    pub async fn connections(&self) -> usize {
        let seen = || self.visitors.lock().expect("nobody panics with it").clone();
        let before = seen().len();
        let visit = TcpStream::connect(self.address).await.expect("it listens");
        let ourselves = visit.local_addr().expect("connected");
        until("the canary to see us", async || visits_before(&seen(), before, ourselves)).await
    }
}

/// Before this one's visit, which is none of those that were `seen`: one of them may have come from the same port.
fn visits_before(visitors: &[SocketAddr], seen: usize, ourselves: SocketAddr) -> Option<usize> {
    let new = visitors.iter().skip(seen).position(|visitor| *visitor == ourselves)?;
    Some(seen + new)
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_visit_is_seen() {
        let canary = Canary::new().await;
        assert_eq!(canary.connections().await, 0);
        let _visit = TcpStream::connect(canary.address()).await.unwrap();
        assert_eq!(canary.connections().await, 2, "the first question and the visit");
    }

    #[test]
    fn a_port_that_is_used_again_is_another_visit() {
        let [one, other] = [1, 2].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        assert_eq!(visits_before(&[other, one], 2, other), None);
        assert_eq!(visits_before(&[other, one, other], 2, other), Some(2));
    }
}
