//! Lines over PostgreSQL: `LISTEN` and `NOTIFY`, on a connection of their own.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::time::Duration;

use async_trait::async_trait;
use cstar_types::TeamId;
use futures_util::{Stream, StreamExt as _, stream};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::line::{Line, LineError, Lines};
use crate::{News, news};

/// One for all teams: a channel for each would be a `LISTEN` for each, and they are all read by every node's connection anyway.
const CHANNEL: &str = "cstar";
/// To reach a server, over any distance, and to be let in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Makes lines over one database.
///
/// Each is a connection of its own and outside of every transaction: a commit that held a `NOTIFY` would wait for all others that
/// do. It must lead to the server itself: a pooler in transaction mode gives the connection that listens to somebody else.
pub struct Postgres {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Postgres {
    /// Lines to this database.
    #[must_use]
    pub fn new(mut config: Config, tls: rustls::ClientConfig) -> Self {
        config.application_name("cstar doorbell");
        Self { config, tls: MakeRustlsConnect::new(tls) }
    }

    async fn line(&self) -> Result<PostgresLine, Error> {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let messages = stream::poll_fn(move |context| connection.poll_message(context)).boxed();
        let mut reading = Reading { messages, heard: VecDeque::new(), own: None };
        let begin = async {
            // A bell that is lost costs little: nobody waits for a disk, or for a standby.
            client.batch_execute(&format!("SET synchronous_commit = off; LISTEN {CHANNEL}")).await?;
            let own: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
            let text = "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message";
            Ok::<_, Error>((own, client.prepare(text).await?))
        };
        let (own, notify) = reading.beside(begin).await?;
        reading.own = Some(own);
        Ok(PostgresLine { client, notify, reading })
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Lines for Postgres {
    async fn connect(&self) -> Result<Box<dyn Line>, LineError> {
        let late = |_| LineError::Unreachable {
            to: "the database".to_owned(),
            why: "it does not answer".to_owned(),
        };
        let line = tokio::time::timeout(CONNECT_MAX, self.line()).await.map_err(late)?;
        let unreachable =
            |error| LineError::Unreachable { to: "the database".to_owned(), why: in_full(&error) };
        Ok(Box::new(line.map_err(unreachable)?))
    }
}

struct PostgresLine {
    client: Client,
    notify: Statement,
    reading: Reading,
}

/// The connection, which goes on only while somebody asks for its messages.
struct Reading {
    messages: Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>,
    heard: VecDeque<News>,
    /// What this connection is called: it hears itself, too.
    own: Option<i32>,
}

impl Reading {
    /// Reads while something is asked of the server; what is heard meanwhile is kept.
    async fn beside<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut work = pin!(work);
        poll_fn(|context| {
            // The end of the connection is told by the work, which fails with it.
            while let std::task::Poll::Ready(Some(Ok(message))) = self.messages.poll_next_unpin(context) {
                self.keep(message);
            }
            work.as_mut().poll(context)
        })
        .await
    }

    fn keep(&mut self, message: AsyncMessage) {
        if let AsyncMessage::Notification(notification) = message
            && Some(notification.process_id()) != self.own
        {
            self.heard.extend(news::read(notification.payload().as_bytes()));
        }
    }
}

#[async_trait]
impl Line for PostgresLine {
    async fn attend(&mut self, _: TeamId, _: bool) -> Result<(), LineError> {
        Ok(())
    }

    /// One statement, and so one commit, whatever it tells.
    async fn ring(&mut self, news: &[News]) -> Result<(), LineError> {
        let messages: Vec<String> = news.iter().copied().map(news::write).collect();
        let params: [&(dyn ToSql + Sync); 2] = [&CHANNEL, &messages];
        let told = self.client.execute(&self.notify, &params);
        self.reading.beside(told).await.map(drop).map_err(|error| LineError::Lost(in_full(&error)))
    }

    async fn hear(&mut self) -> Result<News, LineError> {
        loop {
            if let Some(news) = self.reading.heard.pop_front() {
                return Ok(news);
            }
            match self.reading.messages.next().await {
                Some(Ok(message)) => self.reading.keep(message),
                Some(Err(error)) => return Err(LineError::Lost(in_full(&error))),
                None => return Err(LineError::Lost("the server closed it".to_owned())),
            }
        }
    }
}

/// With its causes: the error itself says `db error`.
fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        text = format!("{text}: {cause}");
        below = cause.source();
    }
    text
}
