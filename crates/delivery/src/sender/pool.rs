//! Idle connections, kept for the next request of the same webhook to the same vetted address.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cstar_types::WebhookId;
use parking_lot::Mutex;
use tokio::sync;
use tokio::time::Instant;

use super::connection::Connection;

/// The most keys of which it is remembered that their connections are shared: about a megabyte.
const SHARING_MAX: usize = 10_000;

/// For whom a connection is kept. A changed webhook has another version: a connection that was made for another host name
/// is never taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) webhook: WebhookId,
    pub(crate) version: u64,
    pub(crate) address: SocketAddr,
}

/// Bounded by count and by age; the longest idle goes first.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    /// Whose connections were shared: of those who find none, one at a time dials.
    sharing: Mutex<HashMap<Key, Arc<sync::Mutex<()>>>>,
    most: usize,
    longest: Duration,
}

#[derive(Default)]
struct Idle {
    by_key: HashMap<Key, Vec<(u64, Connection)>>,
    /// By the order of coming in, which is the order of age.
    by_age: BTreeMap<u64, (Key, Instant)>,
    next: u64,
}

impl Pool {
    pub(super) fn new(most: usize, longest: Duration) -> Self {
        Self { idle: Mutex::default(), sharing: Mutex::default(), most, longest }
    }

    /// The connection that was used last, if there is one that still stands. One that is shared stays for others too.
    pub(super) fn take(&self, key: Key) -> Option<Connection> {
        let mut idle = self.idle.lock();
        loop {
            let mut connection = idle.pop(key)?;
            if !connection.is_open() {
                continue;
            }
            if let Some(shared) = connection.share() {
                idle.push(key, shared, Instant::now());
            }
            return Some(connection);
        }
    }

    /// Keeps a connection that can take another request.
    pub(super) fn put(&self, key: Key, connection: Connection) {
        let mut idle = self.idle.lock();
        if matches!(connection, Connection::Http2(_)) && idle.has_open(key) {
            return; // one is enough for all
        }
        idle.push(key, connection, Instant::now());
        let crowded_out = if idle.by_age.len() > self.most { idle.pop_oldest() } else { None };
        drop(idle);
        drop(crowded_out);
    }

    /// Keeps a new connection at once if it can be shared, and remembers whether it can.
    pub(super) fn share(&self, key: Key, connection: &Connection) {
        let Some(shared) = connection.share() else {
            self.sharing.lock().remove(&key);
            return;
        };
        self.put(key, shared);
        let mut sharing = self.sharing.lock();
        if sharing.len() >= SHARING_MAX {
            sharing.clear();
        }
        sharing.entry(key).or_default();
    }

    /// Whose turn it is to dial, where what is dialled will be shared.
    pub(super) fn turn(&self, key: Key) -> Option<Arc<sync::Mutex<()>>> {
        self.sharing.lock().get(&key).map(Arc::clone)
    }

    /// Drops what is kept for a key, after one that was `opened` then was found dead or silent, and all that are older with
    /// it. What was opened since is better: somebody else has found out before.
    pub(super) fn discard(&self, key: Key, opened: Instant) {
        let mut idle = self.idle.lock();
        let all = idle.by_key.remove(&key).unwrap_or_default();
        let (newer, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, one)| one.opened() > opened);
        for (age, _) in &dead {
            idle.by_age.remove(age);
        }
        if !newer.is_empty() {
            idle.by_key.insert(key, newer);
        }
        drop(idle);
        drop(dead);
    }

    /// Closes what has been idle for too long.
    pub(super) fn close_idle(&self, now: Instant) {
        let mut closed = Vec::new();
        let mut idle = self.idle.lock();
        while idle.by_age.first_key_value().is_some_and(|(_, (_, since))| *since + self.longest <= now) {
            closed.extend(idle.pop_oldest());
        }
        drop(idle);
        drop(closed);
    }

    /// Closes everything.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }
}

impl Idle {
    fn push(&mut self, key: Key, connection: Connection, now: Instant) {
        let age = self.next;
        self.next += 1;
        self.by_key.entry(key).or_default().push((age, connection));
        self.by_age.insert(age, (key, now));
    }

    fn pop(&mut self, key: Key) -> Option<Connection> {
        let waiting = self.by_key.get_mut(&key)?;
        let (age, connection) = waiting.pop()?;
        if waiting.is_empty() {
            self.by_key.remove(&key);
        }
        self.by_age.remove(&age);
        Some(connection)
    }

    /// Whether there is one that still stands; those that do not are dropped.
    fn has_open(&mut self, key: Key) -> bool {
        while let Some((_, newest)) = self.by_key.get_mut(&key).and_then(|waiting| waiting.last_mut()) {
            if newest.is_open() {
                return true;
            }
            self.pop(key);
        }
        false
    }

    fn pop_oldest(&mut self) -> Option<Connection> {
        let (age, (key, _)) = self.by_age.pop_first()?;
        let waiting = self.by_key.get_mut(&key)?;
        let place = waiting.iter().position(|(one, _)| *one == age)?;
        let (_, connection) = waiting.remove(place);
        if waiting.is_empty() {
            self.by_key.remove(&key);
        }
        Some(connection)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::sender::stream::Stream;

    /// A connection, and its other end.
    async fn connection(listener: &TcpListener) -> (Connection, TcpStream) {
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        (Connection::over(Stream::Plain(near)).await.ok().unwrap(), far)
    }

    fn key(webhook: u128) -> Key {
        let address = SocketAddr::from(([127, 0, 0, 1], 443));
        Key { webhook: WebhookId::from_bits(webhook), version: 1, address }
    }

    #[tokio::test]
    async fn idle_connections_are_bounded_and_the_oldest_goes_first() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(2, Duration::from_secs(30));
        let mut ends = Vec::new();
        for webhook in 1..=3 {
            let (near, far) = connection(&listener).await;
            pool.put(key(webhook), near);
            ends.push(far);
        }
        assert!(pool.take(key(1)).is_none(), "crowded out");
        assert!(pool.take(key(2)).is_some() && pool.take(key(3)).is_some());
        assert!(pool.take(key(2)).is_none(), "taken once");
    }

    #[tokio::test]
    async fn what_is_idle_for_too_long_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(8, Duration::from_secs(30));
        let (near, _far) = connection(&listener).await;
        pool.put(key(1), near);
        pool.close_idle(Instant::now() + Duration::from_secs(29));
        assert_eq!(pool.idle.lock().by_age.len(), 1);
        pool.close_idle(Instant::now() + Duration::from_secs(31));
        assert!(pool.take(key(1)).is_none());
        assert!(pool.idle.lock().by_key.is_empty());
    }

    #[tokio::test]
    async fn what_was_closed_is_not_taken_nor_are_others_after_a_dead_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool::new(8, Duration::from_secs(30));
        let (near, far) = connection(&listener).await;
        pool.put(key(1), near);
        drop(far);
        // The kernel tells us when it likes.
        cstar_testkit::until("the end of the connection to be seen", async || {
            pool.take(key(1)).map_or(Some(()), |open| {
                pool.put(key(1), open);
                None
            })
        })
        .await;
        let (near, _far) = connection(&listener).await;
        let opened = near.opened();
        pool.put(key(1), near);
        let (newer, _newer_far) = connection(&listener).await;
        pool.put(key(1), newer);
        pool.discard(key(1), opened);
        assert!(pool.take(key(1)).is_some(), "what was opened since stays");
        assert!(pool.take(key(1)).is_none());
        assert!(pool.idle.lock().by_age.is_empty());
    }
}
