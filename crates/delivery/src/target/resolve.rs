//! From a name to addresses.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::descriptors;

/// Where names are looked up.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Every address of a name, in the order in which they should be tried.
    ///
    /// # Errors
    /// When the name does not resolve.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Lookups at once. Each takes a thread of the runtime, which has 512 for all that blocks, and the system's resolver cannot
/// be stopped: a name whose servers swallow questions takes its thread for half a minute, long past the attempt's deadline.
const LOOKUPS_MAX: usize = 128;

/// The operating system's resolver, with its hosts file and its search list.
///
/// It looks up so many names at once and no more, those included for which nobody waits any more; whoever waits for room
/// does so within the deadline of the attempt (T7).
#[derive(Debug, Clone)]
pub struct SystemResolver {
    room: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl SystemResolver {
    /// The permit goes with the thread, not with the one who asked.
    async fn look_up<T: Send + 'static>(
        &self,
        lookup: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(io::Error::other)?;
        let looking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            lookup()
        });
        looking.await.map_err(io::Error::other)?
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.to_owned();
        let lookup = move || match (name.as_str(), 0).to_socket_addrs() {
            Ok(found) => Ok(found.map(|found| found.ip()).collect()),
            Err(error) => Err(cause(error, File::open("/dev/null").err())),
        };
        self.look_up(lookup).await
    }
}

/// A C library without descriptors says of every name that it is not known. `unopened` is what came of opening one.
fn cause(error: io::Error, unopened: Option<io::Error>) -> io::Error {
    unopened.filter(|unopened| descriptors::ran_out(unopened).is_some()).unwrap_or(error)
}

/// The most names that are remembered: about a megabyte.
const NAMES_MAX: usize = 10_000;

/// How long others go on with a name's last answer while one asks anew, so that a busy webhook does not ask a hundred
/// times at once.
const ASKING: Duration = Duration::from_secs(1);

/// Remembers answers for a short while: asking the system takes a thread and longer than a request to a near endpoint.
///
/// SEC-1 does not rest on it: whatever an answer's age, it is judged at every attempt, and what is dialled is an address
/// that was judged.
pub(crate) struct Remembering {
    resolver: Arc<dyn Resolver>,
    kept: Duration,
    names: Mutex<HashMap<Box<str>, Known>>,
}

struct Known {
    addresses: Vec<IpAddr>,
    until: Instant,
}

impl Remembering {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, kept: Duration) -> Self {
        Self { resolver, kept, names: Mutex::default() }
    }

    fn known(&self, name: &str, now: Instant) -> Option<Vec<IpAddr>> {
        let mut names = self.names.lock();
        let known = names.get_mut(name)?;
        if known.until > now {
            return Some(known.addresses.clone());
        }
        known.until = now + ASKING;
        None
    }

    fn note(&self, name: &str, answer: Option<&[IpAddr]>, now: Instant) {
        let mut names = self.names.lock();
        let Some(addresses) = answer else {
            names.remove(name);
            return;
        };
        if names.len() >= NAMES_MAX {
            names.retain(|_, known| known.until > now);
        }
        if names.len() < NAMES_MAX {
            names.insert(name.into(), Known { addresses: addresses.to_vec(), until: now + self.kept });
        }
    }
}

#[async_trait]
impl Resolver for Remembering {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if self.kept.is_zero() {
            return self.resolver.resolve(name).await;
        }
        if let Some(addresses) = self.known(name, Instant::now()) {
            return Ok(addresses);
        }
        let answer = self.resolver.resolve(name).await;
        self.note(name, answer.as_deref().ok(), Instant::now());
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    /// Answers 10.0.0.1, 10.0.0.2, … and nothing at the third time.
    #[derive(Default)]
    struct Counting(AtomicU8);

    #[async_trait]
    impl Resolver for Counting {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            match self.0.fetch_add(1, Ordering::Relaxed) + 1 {
                3 => Err(io::ErrorKind::NotFound.into()),
                count => Ok(vec![[10, 0, 0, count].into()]),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time_and_a_failure_is_not() {
        let names = Remembering::new(Arc::new(Counting::default()), Duration::from_secs(5));
        let last = async || names.resolve("a.example").await.map(|found| found[0].to_string()).ok();
        assert_eq!(last().await.as_deref(), Some("10.0.0.1"));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(last().await.as_deref(), Some("10.0.0.1"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(last().await.as_deref(), Some("10.0.0.2"));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(last().await, None);
        assert_eq!(last().await.as_deref(), Some("10.0.0.4"), "the failure was forgotten at once");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_nothing_is_kept() {
        let names = Remembering::new(Arc::new(Counting::default()), Duration::ZERO);
        names.resolve("a.example").await.unwrap();
        assert_eq!(names.resolve("a.example").await.unwrap()[0].to_string(), "10.0.0.2");
    }

    #[tokio::test]
    async fn the_system_finds_this_machine() {
        let found = SystemResolver::default().resolve("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    /// T7: the deadline ends the waiting and not the lookup, which still counts: the next ones wait for it, and the
    /// threads of the runtime are left to others.
    #[tokio::test]
    async fn lookups_that_nobody_waits_for_still_count() {
        let names = SystemResolver { room: Arc::new(Semaphore::new(1)) };
        let (answer, silent) = mpsc::channel::<()>();
        let swallowed = names.look_up(move || silent.recv().map_err(io::Error::other));
        assert!(tokio::time::timeout(Duration::from_millis(1), swallowed).await.is_err());
        assert_eq!(names.room.available_permits(), 0);

        let next = names.look_up(|| Ok(()));
        tokio::pin!(next);
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(names.room.available_permits(), 0);
        answer.send(()).unwrap();
        next.await.unwrap();
    }

    #[test]
    fn a_name_is_not_blamed_for_missing_descriptors() {
        let told = |unopened| cause(io::ErrorKind::NotFound.into(), unopened);
        for number in [23, 24] {
            let unopened = io::Error::from_raw_os_error(number);
            assert_eq!(told(Some(unopened)).raw_os_error(), Some(number));
        }
        assert_eq!(told(Some(io::ErrorKind::PermissionDenied.into())).kind(), io::ErrorKind::NotFound);
        assert_eq!(told(None).kind(), io::ErrorKind::NotFound);
    }
}
