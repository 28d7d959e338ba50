//! Connections: made, lent, and thrown away when they broke.
//!
//! Nothing here leans on a session, so a pooler between the store and the database may hand each transaction to another one:
//! statements have no names (their types are said with them), settings hold for one transaction, and no lock outlives one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use futures_util::future::poll_fn;
use futures_util::ready;
use tokio::runtime::Handle;
use tokio_postgres::error::Severity;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, CopyInSink, CopyOutStream, Error, Row, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::context::TokioContext;

use super::fault::Fault;
use super::options::Options;
use super::servers::{Servers, Unreached};
use super::timeline::{Newest, Timeline};
use super::tls;
use super::tx::BEGIN_LOOK;
use crate::StoreError;

/// How long somebody waits for a connection before being told that too much is under way.
const WAIT: Duration = Duration::from_secs(5);

/// The connections of a node.
pub(super) type Connections = Pool<Connector>;

/// A connection that was lent.
pub(super) type Lent = Object<Connector>;

/// A parameter and its type.
pub(super) type Param<'p> = (&'p (dyn ToSql + Sync), Type);

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Makes connections.
pub(super) struct Connector {
    servers: Servers,
    tls: MakeRustlsConnect,
    /// Where they live, on whichever a caller has his turn: those of one that is busy with streams would have theirs behind all of them.
    runtime: Handle,
}

/// A connection.
pub(super) struct Link {
    client: Client,
    /// What its server wrote when it began, if that tells.
    pub(super) timeline: Option<Timeline>,
    newest: Arc<Newest>,
    /// The server said that what it commits may not be on its standbys.
    waited_in_vain: Arc<AtomicBool>,
}

/// A pool for these options, with no connection made yet; they will live on the present runtime.
pub(super) fn pool(options: &Options) -> Result<Connections, StoreError> {
    let tls = MakeRustlsConnect::new(tls::config(options.root_certificate.as_deref())?);
    let connector = Connector { servers: Servers::of(&options.config), tls, runtime: Handle::current() };
    let pool = Pool::builder(connector)
        .max_size(options.connections.max(1))
        .wait_timeout(Some(WAIT))
        .runtime(Runtime::Tokio1)
        .build();
    pool.map_err(|error| StoreError::Unusable(error.to_string()))
}

impl Connector {
    /// The store's own, on which its connections live.
    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) async fn connect(&self) -> Result<Link, Unreached> {
        TokioContext::new(self.servers.connect(&self.tls), self.runtime.clone()).await
    }
}

/// LOG-1: the database refused the commit, so it rolled back. What ended the session or the server may have come after the commit was
/// written: a sync of its log that failed is a panic, and the recovery finds the commit.
fn is_refusal(error: &Error) -> bool {
    error.as_db_error().and_then(|error| error.parsed_severity()) == Some(Severity::Error)
}

/// LOG-1: somebody cancelled the wait for the standby. It is committed here, and lost if this server is: its text may be in any
/// language, the name of its routine is not.
fn is_of_a_standby(severity: &str, routine: Option<&str>) -> bool {
    severity != "DEBUG" && routine == Some("SyncRepWaitForLSN")
}

impl Manager for Connector {
    type Type = Link;
    type Error = Fault;

    /// A server that must not be used is as good as none while the store is open.
    async fn create(&self) -> Result<Link, Fault> {
        self.connect().await.map_err(Unreached::into_away)
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<Fault> {
        if link.client.is_closed() || link.is_behind() {
            return Err(RecycleError::message("it is of no use any more"));
        }
        Ok(())
    }
}

impl Link {
    /// A connection that was made, and is not judged yet.
    pub(super) fn begin(
        client: Client,
        mut connection: Connection<Socket, Stream>,
        newest: Arc<Newest>,
    ) -> Self {
        let waited_in_vain = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&waited_in_vain);
        tokio::spawn(poll_fn(move |cx| {
            while let Some(message) = ready!(connection.poll_message(cx)) {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        tracing::debug!(notice = notice.message(), "the database says");
                        if is_of_a_standby(notice.severity(), notice.routine()) {
                            heard.store(true, Ordering::Release);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a connection to the database ended");
                        break;
                    }
                }
            }
            std::task::Poll::Ready(())
        }));
        Self { client, timeline: None, newest, waited_in_vain }
    }

    /// Whether another server has gone on with the database since: what this one commits is lost.
    pub(super) fn is_behind(&self) -> bool {
        self.newest.is_behind(self.timeline)
    }

    /// Waits for an answer, as long as no other server goes on with the database: one that hangs gives none, although its kernel
    /// acknowledges what is sent to it.
    async fn answer<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        tokio::select! {
            biased;
            answer = asked => Ok(answer?),
            () = self.newest.gone_on_without(self.timeline) => Err(Fault::Away("another server has taken over".to_owned())),
        }
    }

    /// Rows of one statement.
    pub(super) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        self.answer(self.client.query_typed(sql, params)).await
    }

    /// The same of a statement that reads the ends of logs, planned as those of a transaction are. One trip, too.
    pub(super) async fn heads(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let (begun, rows, ended) = tokio::join!(
            biased; // they are sent in this order
            self.script(BEGIN_LOOK),
            self.rows(sql, params),
            self.script("COMMIT")
        );
        begun?;
        let rows = rows?;
        ended.map(|()| rows)
    }

    /// The only row of one statement, if there is one.
    pub(super) async fn row(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, Fault> {
        self.answer(self.client.query_typed_opt(sql, params)).await
    }

    /// Runs a statement; answers how many rows it touched.
    pub(super) async fn run(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, Fault> {
        self.answer(self.client.execute_typed(sql, params)).await
    }

    /// Runs statements without parameters, in one trip.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Fault> {
        self.answer(self.client.batch_execute(sql)).await
    }

    /// What a `COPY … TO STDOUT` answers.
    pub(super) async fn copy_out(&self, sql: &str) -> Result<CopyOutStream, Fault> {
        Ok(self.client.copy_out(sql).await?)
    }

    /// Where a `COPY … FROM STDIN` takes its rows.
    pub(super) async fn copy_in(&self, sql: &str) -> Result<CopyInSink<Bytes>, Fault> {
        Ok(self.client.copy_in(sql).await?)
    }

    /// Asks for the commit of what was begun. `Unknown` unless the database says that it is done, on its standbys too, and nobody has
    /// gone on without it (LOG-1).
    pub(super) async fn commit(&self) -> Result<(), Fault> {
        self.waited_in_vain.store(false, Ordering::Release);
        let committed = tokio::select! {
            biased;
            committed = self.client.batch_execute("COMMIT") => committed,
            () = self.newest.gone_on_without(self.timeline) => return Err(Fault::Unknown),
        };
        match committed {
            Ok(()) if self.waited_in_vain.load(Ordering::Acquire) || self.is_behind() => Err(Fault::Unknown),
            Ok(()) => Ok(()),
            Err(error) if is_refusal(&error) => Err(error.into()),
            Err(_) => Err(Fault::Unknown),
        }
    }
}
