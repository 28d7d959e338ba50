//! The servers that a URL names, of which one takes the store's writes.
//!
//! The client would try one after the other within one call, and wait for ever for one that takes the connection and then says
//! nothing, as a primary does that hangs. Nor does it know an old primary from the one that was promoted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{Fault, in_full, is_away};
use super::judge::judge;
use super::pool::Link;
use super::timeline::Newest;
use crate::StoreError;

/// To reach a server and be let in, over any distance, unless the URL says otherwise (`connect_timeout`).
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// PostgreSQL's, where the URL says none.
const PORT: u16 = 5432;

/// Each with what it takes to reach it alone.
pub(super) struct Servers {
    each: Vec<Config>,
    /// The one that took the last connection is asked first: one that is gone is waited for once.
    latest: AtomicUsize,
    /// One was found. Before that each is asked: nothing is known yet by which an old primary could be told.
    begun: AtomicBool,
    newest: Arc<Newest>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Unreached {
    /// The server whose fault it is.
    pub(super) server: String,
    pub(super) fault: Fault,
}

/// How much a fault says of why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    NobodyAnswers,
    NotNow,
    Elsewhere,
    /// Nothing but its operator or its URL changes that.
    MustNotBe,
}

impl Unreached {
    fn says(&self) -> Says {
        match &self.fault {
            Fault::Postgres(error) => error.code().map_or(Says::NobodyAnswers, |state| {
                if is_away(state) { Says::NotNow } else { Says::MustNotBe }
            }),
            Fault::Refused(_) => Says::MustNotBe,
            Fault::Elsewhere(_) => Says::Elsewhere,
            _ => Says::NobodyAnswers,
        }
    }

    /// The one that says more; of equals the earlier.
    fn or(self, earlier: Option<Self>) -> Self {
        earlier.filter(|earlier| earlier.says() >= self.says()).unwrap_or(self)
    }

    /// What it means to a store that is open: a server that must not be used is as good as none.
    pub(super) fn into_away(self) -> Fault {
        let Self { server, fault } = self;
        let why = match fault {
            Fault::Postgres(error) => in_full(&error),
            Fault::Refused(StoreError::Unusable(why)) | Fault::Away(why) | Fault::Elsewhere(why) => why,
            fault => return fault,
        };
        Fault::Away(format!("{server}: {why}"))
    }
}

impl Servers {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            each: (0..count(config)).map(|at| alone(config, at)).collect(),
            latest: AtomicUsize::new(0),
            begun: AtomicBool::new(false),
            newest: Arc::default(),
        }
    }

    /// A connection to the first that takes the store's writes.
    pub(super) async fn connect(&self, tls: &MakeRustlsConnect) -> Result<Link, Unreached> {
        let latest = self.latest.load(Ordering::Relaxed);
        let (mut taken, mut unreached) = (None::<Link>, None);
        for at in (0..self.each.len()).map(|past| (latest + past) % self.each.len()) {
            match self.reach(&self.each[at], tls).await {
                Ok(link) if taken.as_ref().is_none_or(Link::is_behind) => {
                    self.latest.store(at, Ordering::Relaxed);
                    taken = Some(link);
                }
                Ok(_) => {}
                Err(also) => unreached = Some(also.or(unreached)),
            }
            if taken.is_some() && self.begun.load(Ordering::Relaxed) {
                break;
            }
        }
        self.begun.fetch_or(taken.is_some(), Ordering::Relaxed);
        let none =
            || Unreached { server: String::new(), fault: Fault::Away("the URL names no server".to_owned()) };
        taken.ok_or_else(|| unreached.unwrap_or_else(none))
    }

    /// A connection to this one, by the first of its addresses that can be used.
    async fn reach(&self, server: &Config, tls: &MakeRustlsConnect) -> Result<Link, Unreached> {
        self.reach_by(&addresses(server).await, server, tls).await
    }

    async fn reach_by(
        &self,
        addresses: &[Config],
        server: &Config,
        tls: &MakeRustlsConnect,
    ) -> Result<Link, Unreached> {
        let by_fault = |fault| Unreached { server: place(server), fault };
        let mut unreached = None;
        for address in addresses {
            let patience = address.get_connect_timeout().copied().unwrap_or(CONNECT);
            let silent = |_| Err(Fault::Away(format!("it says nothing for {patience:?}")));
            match timeout(patience, self.try_reach(address, tls)).await.unwrap_or_else(silent) {
                Ok(link) => return Ok(link),
                Err(fault) => unreached = Some(by_fault(fault).or(unreached)),
            }
        }
        Err(unreached.unwrap_or_else(|| by_fault(Fault::Away("its name has no address".to_owned()))))
    }

    async fn try_reach(&self, address: &Config, tls: &MakeRustlsConnect) -> Result<Link, Fault> {
        let (client, connection) = address.connect(tls.clone()).await.map_err(Fault::Postgres)?;
        let mut link = Link::begin(client, connection, Arc::clone(&self.newest));
        link.timeline = judge(&link).await?;
        self.newest.admit(link.timeline).map_err(Fault::Elsewhere)?;
        Ok(link)
    }
}

/// A server by each of the addresses that its name has: one that says nothing must not take the time of the next. What has no name, or
/// none that is known, is left to the client, which says what is wrong.
async fn addresses(server: &Config) -> Vec<Config> {
    let (Some(Host::Tcp(name)), []) = (server.get_hosts().first(), server.get_hostaddrs()) else {
        return vec![server.clone()];
    };
    let port = server.get_ports().first().copied().unwrap_or(PORT);
    let Ok(found) = lookup_host((name.as_str(), port)).await else { return vec![server.clone()] };
    found.map(|address| by_address(server, address)).collect()
}

fn by_address(server: &Config, address: SocketAddr) -> Config {
    let mut server = server.clone();
    server.hostaddr(address.ip());
    server
}

/// Where the servers of a URL are, without who asks (SEC-3).
pub(super) fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let ports = config.get_ports();
    let with_ports = hosts.enumerate().map(|(at, host)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(PORT);
        format!("{host}:{port}")
    });
    with_ports.collect::<Vec<_>>().join(", ")
}

/// How many servers a URL names.
pub(super) fn count(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

/// Takes over what the URL says, where it says something.
macro_rules! take_over {
    ($to:ident: $($said:expr => $set:ident),+ $(,)?) => {
        $(if let Some(said) = $said { $to.$set(said); })+
    };
}

/// The server at this place, reached as the URL says. The client's own configuration cannot be cut.
fn alone(config: &Config, at: usize) -> Config {
    let mut one = Config::new();
    match config.get_hosts().get(at) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        #[cfg(unix)]
        Some(Host::Unix(path)) => _ = one.host_path(path),
        None => {}
    }
    take_over!(one:
        config.get_hostaddrs().get(at).copied() => hostaddr,
        config.get_ports().get(at).or(config.get_ports().first()).copied() => port,
        config.get_user() => user,
        config.get_password() => password,
        config.get_dbname() => dbname,
        config.get_options() => options,
        config.get_application_name() => application_name,
        config.get_connect_timeout().copied() => connect_timeout,
        config.get_tcp_user_timeout().copied() => tcp_user_timeout,
        config.get_keepalives_interval() => keepalives_interval,
        config.get_keepalives_retries() => keepalives_retries,
    );
    one.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    one.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    one.channel_binding(config.get_channel_binding());
    // Judged with the rest: the client would take a trip for it.
    one.target_session_attrs(TargetSessionAttrs::Any);
    one.load_balance_hosts(config.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::postgres::tls;

    /// The first address of a name takes the connection and says nothing; the second one is asked all the same.
    #[tokio::test]
    async fn each_address_of_a_name_is_tried() {
        let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let first = silent.local_addr().unwrap();
        let other = TcpListener::bind(("127.0.0.1", first.port())).await.unwrap();
        let url = format!("postgres://u@db.example.com:{}/db?sslmode=disable", first.port());
        let mut config: Config = url.parse().unwrap();
        config.connect_timeout(Duration::from_millis(50));
        let servers = Servers::of(&config);
        let server = &servers.each[0];
        let addresses = [first, other.local_addr().unwrap()].map(|address| by_address(server, address));
        let tls = MakeRustlsConnect::new(tls::config(None).unwrap());
        let (asked, reached) = tokio::join!(
            async { timeout(CONNECT, other.accept()).await.is_ok() },
            servers.reach_by(&addresses, server, &tls),
        );
        assert!(asked);
        let unreached = reached.err().expect("neither is a database");
        assert_eq!(unreached.server, format!("db.example.com:{}", first.port()));
    }

    /// Nothing that a URL says is lost on the way: of one server, what is left is what there was, but for what is judged here.
    #[test]
    fn each_server_is_reached_as_the_url_says() {
        let url = "postgres://u:p@one:5433,two:5434/db?sslmode=require&target_session_attrs=read-write&options=-cx%3D1\
                   &application_name=a&connect_timeout=7&tcp_user_timeout=9&keepalives=0&keepalives_idle=11\
                   &keepalives_interval=12&keepalives_retries=13&channel_binding=require&load_balance_hosts=random\
                   &sslnegotiation=direct";
        let config: Config = url.parse().unwrap();
        let one: Config =
            url.replace("one:5433,two:5434", "two:5434").replace("read-write", "any").parse().unwrap();
        assert!(alone(&config, 1) == one);
        let addresses: Config = "host=one,two hostaddr=192.0.2.1,192.0.2.2 user=u".parse().unwrap();
        let one: Config = "host=one hostaddr=192.0.2.1 user=u".parse().unwrap();
        assert!(count(&addresses) == 2 && alone(&addresses, 0) == one);
    }
}
