//! How a store is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::doorbell::Doorbell;
use super::{servers, tls};
use crate::StoreError;
use crate::stored::MasterKey;

/// Connections of one node. More of them would wait for the same disk; a publish group, a group of results and a few readers are
/// under way at a time.
const CONNECTIONS: usize = 16;
/// Some looks may be lost.
const LEASE: Duration = Duration::from_secs(15);
/// The tables are cut by days.
const REMOVAL_GRAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// A peer that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(10);

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Where the database is, and who asks.
    pub(super) config: Config,
    /// The authority that signed the server's certificate, as PEM, if it is not one that the system knows.
    pub root_certificate: Option<PathBuf>,
    /// Encrypts webhook secrets (SEC-3). The same one must be given each time.
    pub(super) master_key: MasterKey,
    /// Connections at the same time.
    pub connections: usize,
    /// How long this node may be silent before others take what it was about to send.
    pub lease: Duration,
    /// Whether this node sends deliveries. What one that does not makes is anybody's at once.
    pub sends: bool,
    /// Tells other nodes what this one commits.
    pub doorbell: Option<Arc<dyn Doorbell>>,
    /// What is old is removed once all of a time as long as this is: by days, as it is stored, so that removing costs nothing.
    pub removal_grain: Duration,
}

impl fmt::Debug for Options {
    /// The client leaves the password out (SEC-3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, root_certificate, connections, lease, removal_grain, .. } = self;
        let mut shown = f.debug_struct("Options");
        shown.field("config", config).field("root_certificate", root_certificate).field("lease", lease);
        shown.field("connections", connections).field("removal_grain", removal_grain).finish_non_exhaustive()
    }
}

impl Options {
    /// The usual options for a database: `postgres://user:password@host/database`; of several hosts, `host,other`, the one that takes
    /// writes is used. Unless the URL says otherwise (`sslmode`), the connection is encrypted and the server's certificate checked,
    /// but to this machine.
    ///
    /// # Errors
    /// `Unusable` if it is no such URL. What it says is not repeated: it may hold a password (SEC-3).
    pub fn new(url: &str, master_key: MasterKey) -> Result<Self, StoreError> {
        let unusable = |_| {
            StoreError::Unusable(
                "the URL of the database cannot be read: give one like postgres://user:password@host:5432/database"
                    .to_owned(),
            )
        };
        let mut config: Config = url.parse().map_err(unusable)?;
        if !url.contains("sslmode=") {
            config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(servers::CONNECT);
        }
        // Of several one takes writes, and which it is changes.
        if servers::count(&config) > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("cstar");
        }
        config.keepalives(true).keepalives_idle(SILENCE).keepalives_interval(Duration::from_secs(2));
        config.keepalives_retries(3).tcp_user_timeout(SILENCE);
        Ok(Self {
            config,
            root_certificate: None,
            master_key,
            connections: CONNECTIONS,
            lease: LEASE,
            sends: true,
            doorbell: None,
            removal_grain: REMOVAL_GRAIN,
        })
    }

    /// How the database is reached, for a connection that is not the store's.
    ///
    /// # Errors
    /// `Unusable` if the certificate of its authority cannot be read.
    pub fn connection(&self) -> Result<(Config, rustls::ClientConfig), StoreError> {
        Ok((self.config.clone(), tls::config(self.root_certificate.as_deref())?))
    }
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<Options, StoreError> {
        Options::new(url, MasterKey::new([7; 32]))
    }

    /// SEC-3: what is not on this machine is asked over TLS, unless somebody says that it must not.
    #[test]
    fn what_is_far_is_asked_over_tls() {
        for (url, mode) in [
            ("postgres://u@db.example.com/cstar", SslMode::Require),
            ("postgres://u@203.0.113.7/cstar", SslMode::Require),
            ("postgres://u@db.example.com/cstar?sslmode=disable", SslMode::Disable),
            ("postgres://u@127.0.0.1:5433/cstar", SslMode::Disable),
            ("postgres://u@[::1]/cstar", SslMode::Disable),
            ("host=/run/postgresql user=u", SslMode::Disable),
        ] {
            assert_eq!(options(url).unwrap().config.get_ssl_mode(), mode, "{url}");
        }
    }

    /// SEC-3
    #[test]
    fn a_password_is_not_repeated() {
        let refused = options("postgres://u:hunter2@host:notaport/db").unwrap_err();
        assert!(matches!(&refused, StoreError::Unusable(why) if !why.contains("hunter2")), "{refused}");
        let taken = options("postgres://u:hunter2@localhost/db").unwrap();
        assert!(!format!("{taken:?}").contains("hunter2"));
    }
}
