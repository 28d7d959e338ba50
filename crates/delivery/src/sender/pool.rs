//! Idle connections, kept for the next request of the same webhook to the same vetted address.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use cstar_types::WebhookId;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::connection::Connection;

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
        Self { idle: Mutex::default(), most, longest }
    }

    /// The connection that was used last, if there is one that still stands. One that is shared stays for others too.
    pub(super) fn take(&self, key: Key) -> Option<Connection> {
        let mut idle = self.idle.lock();
        loop {
            let mut connection = idle.pop(key)?;
            if !connection.is_open() {
                continue;
            }
            if let Connection::Http2(shared) = &connection {
                let shared = Connection::Http2(shared.clone());
                idle.push(key, shared, Instant::now());
            }
            return Some(connection);
        }
    }

    /// Keeps a connection that can take another request.
    pub(super) fn put(&self, key: Key, connection: Connection) {
        let mut idle = self.idle.lock();
        let shared = matches!(connection, Connection::Http2(_));
        if shared && idle.by_key.contains_key(&key) {
            return; // its origin is there already
        }
        idle.push(key, connection, Instant::now());
        let crowded_out = if idle.by_age.len() > self.most { idle.pop_oldest() } else { None };
        drop(idle);
        drop(crowded_out);
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
