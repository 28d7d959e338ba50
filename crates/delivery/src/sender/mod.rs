//! Sends one request and reads one answer, under one deadline (T7).
//!
//! The only place that dials a customer's host, and only an address that the target rule has judged for this attempt
//! (SEC-1). No redirect is followed, nothing is decompressed, no cookie is kept, no proxy is taken from the environment: the
//! operator's, if there is one, is asked for a tunnel to that same address.

mod connection;
mod deadline;
mod dial;
mod failure;
mod hand;
mod head;
mod http1;
mod http2;
mod pool;
mod proxy;
mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use cstar_types::WebhookId;
use tokio::time::Instant;

use connection::{Broken, Connection, Kept};
use dial::Dialler;
pub(crate) use failure::{Failure, Stage};
pub(crate) use hand::Hand;
pub(crate) use head::Head;
use pool::{Key, Pool};
pub(crate) use proxy::NoTunnel;
use proxy::Tunnels;
pub use proxy::{EgressProxy, NotAProxy};
pub use tls::AuthorityError;

use crate::request::Outgoing;
use crate::target::{Asker, Names, Target, TargetError, Vetted};

/// What the sender is made of.
pub(crate) struct SenderOptions {
    pub(crate) names: Names,
    pub(crate) attempt_timeout: Duration,
    pub(crate) extra_authorities_pem: Option<Vec<u8>>,
    pub(crate) egress_proxy: Option<EgressProxy>,
    pub(crate) idle_connections_max: usize,
    pub(crate) idle_connection_timeout: Duration,
}

/// Sends requests.
pub(crate) struct Sender {
    names: Names,
    attempt_timeout: Duration,
    dialler: Dialler,
    pool: Pool,
}

/// Whose request goes where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) webhook: WebhookId,
    pub(crate) version: u64,
    pub(crate) target: &'a Target,
    pub(crate) asker: Asker,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Sent {
    /// What was dialled, if it came to that.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) answer: Result<Answer, Failure>,
}

/// The answer of an endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

/// How far an attempt has come, told also when its deadline cuts it off.
#[derive(Debug, Default)]
struct Trace {
    stage: Stage,
    address: Option<SocketAddr>,
    /// When the connection was opened over which the request was sent.
    opened: Option<Instant>,
}

impl Sender {
    pub(crate) fn new(options: SenderOptions) -> Result<Self, AuthorityError> {
        Ok(Self {
            names: options.names,
            attempt_timeout: options.attempt_timeout,
            dialler: Dialler {
                tls: tls::connector(options.extra_authorities_pem.as_deref())?,
                silence_max: options.attempt_timeout,
                tunnels: options.egress_proxy.map(Tunnels::through),
            },
            pool: Pool::new(options.idle_connections_max, options.idle_connection_timeout),
        })
    }

    /// Makes one attempt. The deadline runs over resolving, connecting, TLS, writing and the head of the answer; the
    /// body is read within what is left (T7).
    pub(crate) async fn send(&self, route: Route<'_>, request: &Outgoing<'_>, hand: &mut Hand) -> Sent {
        let until = Instant::now() + self.attempt_timeout;
        hand.deadline.set(until);
        let mut trace = Trace::default();
        let Hand { deadline, held } = hand;
        let head = deadline.bound(pin!(self.head(route, request, until, held, &mut trace))).await;
        let head = head.unwrap_or_else(|| Err(self.timed_out(route, &trace)));
        let answer = match head {
            Ok((connection, head)) => Ok(self.finish(connection, head, route, hand, &trace).await),
            Err(failure) => Err(failure),
        };
        Sent { address: trace.address, answer }
    }

    /// Whoever makes attempts has none to make: others may have its connection.
    pub(crate) fn let_go(&self, hand: &mut Hand) {
        if let Some((key, connection)) = hand.held.take() {
            self.pool.put(key, connection);
        }
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn close_idle(&self) {
        self.pool.close_idle(Instant::now());
    }

    /// Closes every idle connection.
    pub(crate) fn close_all(&self) {
        self.pool.clear();
    }

    /// A connection that has not answered may have died without a word: the next request gets another.
    fn timed_out(&self, route: Route<'_>, trace: &Trace) -> Failure {
        if let Some((address, opened)) = trace.address.zip(trace.opened) {
            self.pool.discard(route.key(address), opened);
        }
        Failure::Timeout(trace.stage)
    }

    async fn head(
        &self,
        route: Route<'_>,
        request: &Outgoing<'_>,
        deadline: Instant,
        held: &mut Option<(Key, Connection)>,
        trace: &mut Trace,
    ) -> Result<(Connection, Head), Failure> {
        let vetted = self.names.vet(route.target, route.asker).await?;
        let open = self.held(route, &vetted, held).or_else(|| self.pooled(route, &vetted));
        if let Some((key, mut connection)) = open {
            trace.take(key.address, &connection);
            match connection.send(request).await {
                Ok(head) => return Ok((connection, head)),
                // It died while it was idle: replaced once, below, by one that is new.
                Err(Broken { unheard: true, .. }) => self.pool.discard(key, connection.opened()),
                Err(Broken { failure, .. }) => return Err(failure),
            }
        }
        // Boxed: it is large and seldom needed, and every attempt's future would be as large.
        let mut connection = Box::pin(self.new_connection(route, &vetted, deadline, trace)).await?;
        match connection.send(request).await {
            Ok(head) => Ok((connection, head)),
            Err(Broken { failure, .. }) => Err(failure),
        }
    }

    /// A burst over HTTP/2 opens one connection: from its dialling on it is shared, and who comes meanwhile waits for it.
    async fn new_connection(
        &self,
        route: Route<'_>,
        vetted: &[Vetted],
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Connection, Failure> {
        *trace = Trace { stage: self.dialler.connecting(), ..Trace::default() };
        let turn = vetted.iter().find_map(|vetted| self.pool.turn(route.key(vetted.address())));
        let _mine = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        if let Some((key, connection)) = turn.as_ref().and_then(|_| self.pooled(route, vetted)) {
            trace.take(key.address, &connection);
            return Ok(connection);
        }
        let (address, connection) = self.dialler.dial(route.target, vetted, deadline, trace).await?;
        trace.take(address, &connection);
        self.pool.share(route.key(address), &connection);
        Ok(connection)
    }

    /// The connection of the attempt before, if this one goes to the same place.
    fn held(
        &self,
        route: Route<'_>,
        vetted: &[Vetted],
        held: &mut Option<(Key, Connection)>,
    ) -> Option<(Key, Connection)> {
        let (key, mut connection) = held.take()?;
        if !vetted.iter().any(|vetted| route.key(vetted.address()) == key) {
            self.pool.put(key, connection);
            return None;
        }
        connection.is_open().then_some((key, connection))
    }

    fn pooled(&self, route: Route<'_>, vetted: &[Vetted]) -> Option<(Key, Connection)> {
        let mut keys = vetted.iter().map(|vetted| route.key(vetted.address()));
        keys.find_map(|key| Some((key, self.pool.take(key)?)))
    }

    /// Whatever becomes of the body, the head has decided (T7).
    async fn finish(
        &self,
        mut connection: Connection,
        head: Head,
        route: Route<'_>,
        hand: &mut Hand,
        trace: &Trace,
    ) -> Answer {
        let mut kept = Kept::default();
        let reusable = hand.deadline.bound(pin!(connection.read(&mut kept))).await.unwrap_or(false);
        if let Some(address) = trace.address.filter(|_| reusable) {
            hand.held = Some((route.key(address), connection));
        }
        Answer { head, body: kept.bytes }
    }
}

impl Trace {
    /// The request is sent over this connection.
    fn take(&mut self, address: SocketAddr, connection: &Connection) {
        *self = Self { stage: Stage::Answering, address: Some(address), opened: Some(connection.opened()) };
    }
}

impl Route<'_> {
    fn key(&self, address: SocketAddr) -> Key {
        Key { webhook: self.webhook, version: self.version, address }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Blocked => Self::Blocked,
            TargetError::Unresolved => Self::Unresolved,
            TargetError::RanOut(number) => Self::RanOut(io::Error::from_raw_os_error(number)),
            TargetError::NoRoom => Self::NoRoom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attempt that this side could not make is none of the endpoint's.
    #[test]
    fn running_out_while_resolving_is_our_own_failure() {
        let failure = Failure::from(TargetError::RanOut(24));
        assert!(matches!(failure, Failure::RanOut(error) if error.raw_os_error() == Some(24)));
    }
}
