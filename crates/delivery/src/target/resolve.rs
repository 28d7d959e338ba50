//! From a name to addresses.

use std::fs::File;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};

use async_trait::async_trait;

use crate::shortage;

/// Where names are looked up.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Every address of a name, in the order in which they should be tried. A name that ends in a dot is whole: no
    /// search list is tried for it.
    ///
    /// # Errors
    /// When the name does not resolve.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver. Each lookup takes a thread of the runtime, and cannot be stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.to_owned();
        let lookup = move || match (name.as_str(), 0).to_socket_addrs() {
            Ok(found) => Ok(found.map(|found| found.ip()).collect()),
            Err(error) => Err(cause(error, File::open("/dev/null").err())),
        };
        tokio::task::spawn_blocking(lookup).await.map_err(io::Error::other)?
    }
}

/// A C library without descriptors says of every name that it is not known. `unopened` is what came of opening one.
fn cause(error: io::Error, unopened: Option<io::Error>) -> io::Error {
    unopened.filter(|unopened| shortage::ran_out(unopened).is_some()).unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_finds_this_machine() {
        let found = SystemResolver.resolve("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
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
