//! The servers that a URL names, of which one takes writes.
//!
//! The client would try one after the other within one call, and wait for ever for one that takes the connection and then says
//! nothing, as a primary does that hangs.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Fault;

/// To reach a server and be let in, over any distance, unless the URL says otherwise (`connect_timeout`).
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// PostgreSQL's, where the URL says none.
const PORT: u16 = 5432;

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Each with what it takes to reach it alone.
pub(super) struct Servers {
    each: Vec<Config>,
    /// The one that took the last connection is asked first: one that is gone is waited for once.
    latest: AtomicUsize,
}

impl Servers {
    pub(super) fn of(config: &Config) -> Self {
        Self { each: (0..count(config)).map(|at| alone(config, at)).collect(), latest: AtomicUsize::new(0) }
    }

    /// A connection to the first that takes it.
    pub(super) async fn connect(
        &self,
        tls: &MakeRustlsConnect,
    ) -> Result<(Client, Connection<Socket, Stream>), Fault> {
        let mut fault = Fault::Away("the URL names no server".to_owned());
        let latest = self.latest.load(Ordering::Relaxed);
        for at in (0..self.each.len()).map(|past| (latest + past) % self.each.len()) {
            for address in addresses(&self.each[at]).await {
                let patience = address.get_connect_timeout().copied().unwrap_or(CONNECT);
                match timeout(patience, address.connect(tls.clone())).await {
                    Ok(Ok(connected)) => {
                        self.latest.store(at, Ordering::Relaxed);
                        return Ok(connected);
                    }
                    Ok(Err(error)) => fault = Fault::Postgres(error),
                    Err(_) => fault = Fault::Away(format!("it says nothing for {patience:?}")),
                }
            }
        }
        Err(fault)
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
    let by = |address: SocketAddr| {
        let mut server = server.clone();
        server.hostaddr(address.ip());
        server
    };
    found.map(by).collect()
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
    one.target_session_attrs(config.get_target_session_attrs());
    one.load_balance_hosts(config.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that a URL says is lost on the way: of one server, what is left is what there was.
    #[test]
    fn each_server_is_reached_as_the_url_says() {
        let url = "postgres://u:p@one:5433,two:5434/db?sslmode=require&target_session_attrs=read-write&options=-cx%3D1\
                   &application_name=a&connect_timeout=7&tcp_user_timeout=9&keepalives=0&keepalives_idle=11\
                   &keepalives_interval=12&keepalives_retries=13&channel_binding=require&load_balance_hosts=random\
                   &sslnegotiation=direct";
        let config: Config = url.parse().unwrap();
        let one: Config = url.replace("one:5433,two:5434", "two:5434").parse().unwrap();
        assert!(alone(&config, 1) == one);
        let addresses: Config = "host=one,two hostaddr=192.0.2.1,192.0.2.2 user=u".parse().unwrap();
        let one: Config = "host=one hostaddr=192.0.2.1 user=u".parse().unwrap();
        assert!(count(&addresses) == 2 && alone(&addresses, 0) == one);
    }
}
