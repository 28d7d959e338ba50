//! Lines over NATS: its core, which keeps nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subscriber};
use async_trait::async_trait;
use cstar_types::TeamId;
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, TakeUntil};
use percent_encoding::percent_decode_str;
use tokio::sync::{Notify, oneshot};

use crate::line::{Line, LineError, Lines};
use crate::{News, news};

/// What concerns every node.
const CHANGES: &str = "cstar.changes";
/// A team's subject is this and its id.
const TEAM: &str = "cstar.team.";
/// To reach a server, and to be let in.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A server that is silent for two of these is gone.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Messages of one team that wait to be merged. What is beyond is lost, which costs no more than any lost bell.
const WAITING_MAX: usize = 32;

/// Makes lines over one NATS server, or a cluster of them.
#[derive(Debug)]
pub struct Nats {
    server: ServerAddr,
    root_certificate: Option<PathBuf>,
}

impl Nats {
    /// Lines by this URL: `nats://host:4222`, or `tls://…` where nothing may pass in the clear; with `user:password@` or `token@` if the
    /// server wants it. The certificate is judged by this authority, or by those of the system.
    ///
    /// # Errors
    /// `Unusable` if it is no such URL. What it says is not repeated: it may hold a password (SEC-3).
    pub fn new(url: &str, root_certificate: Option<PathBuf>) -> Result<Self, LineError> {
        let server = url.parse::<ServerAddr>().ok().filter(|_| url.contains("://"));
        let unusable = || LineError::Unusable("give a URL like nats://user:password@host:4222".to_owned());
        let server = server.filter(|server| matches!(server.scheme(), "nats" | "tls"));
        Ok(Self { server: server.ok_or_else(unusable)?, root_certificate })
    }

    /// Where it is, without who asks.
    fn place(&self) -> String {
        format!("nats://{}:{}", self.server.host(), self.server.port())
    }

    fn options(&self, lost: Arc<Notify>) -> ConnectOptions {
        let options = ConnectOptions::new()
            .name("cstar")
            .no_echo()
            .connection_timeout(CONNECT_MAX)
            .ping_interval(PING_EVERY)
            .subscription_capacity(WAITING_MAX)
            // A line that is lost is said to be lost, and another is made: what passed meanwhile was not heard.
            .max_reconnects(1)
            .event_callback(move |event| {
                let lost = Arc::clone(&lost);
                async move {
                    if matches!(event, Event::Disconnected | Event::Closed) {
                        lost.notify_one();
                    }
                }
            });
        let options = match (self.server.username(), self.server.password()) {
            (Some(user), Some(password)) => options.user_and_password(decoded(user), decoded(password)),
            (Some(token), None) => options.token(decoded(token)),
            (None, _) => options,
        };
        match &self.root_certificate {
            Some(path) => options.add_root_certificates(path.clone()),
            None => options,
        }
    }
}

#[async_trait]
impl Lines for Nats {
    async fn connect(&self) -> Result<Box<dyn Line>, LineError> {
        let lost = Arc::new(Notify::new());
        let connected = self.options(Arc::clone(&lost)).connect(self.server.clone()).await;
        let client =
            connected.map_err(|error| LineError::Unreachable { to: self.place(), why: error.to_string() })?;
        let changes = client.subscribe(CHANGES).await.map_err(self::lost)?;
        Ok(Box::new(NatsLine { client, lost, changes, teams: SelectAll::new(), attended: HashMap::new() }))
    }
}

struct NatsLine {
    client: Client,
    lost: Arc<Notify>,
    changes: Subscriber,
    teams: SelectAll<TakeUntil<Subscriber, oneshot::Receiver<()>>>,
    /// Each ends its subscription when it is dropped.
    attended: HashMap<TeamId, oneshot::Sender<()>>,
}

#[async_trait]
impl Line for NatsLine {
    async fn attend(&mut self, team: TeamId, wanted: bool) -> Result<(), LineError> {
        if !wanted {
            self.attended.remove(&team);
        } else if !self.attended.contains_key(&team) {
            let subscriber = self.client.subscribe(format!("{TEAM}{team}")).await.map_err(lost)?;
            let (attended, left) = oneshot::channel();
            self.teams.push(subscriber.take_until(left));
            self.attended.insert(team, attended);
        }
        Ok(())
    }

    async fn ring(&mut self, news: &[News]) -> Result<(), LineError> {
        for &news in news {
            let subject = match news {
                News::Changed | News::Due => CHANGES.to_owned(),
                News::Reached { team, .. } => format!("{TEAM}{team}"),
            };
            self.client.publish(subject, news::write(news).into()).await.map_err(lost)?;
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<News, LineError> {
        loop {
            let message = tokio::select! {
                () = self.lost.notified() => return Err(lost("the server closed it, or is gone")),
                Some(message) = self.changes.next() => message,
                Some(message) = self.teams.next(), if !self.teams.is_empty() => message,
            };
            if let Some(news) = news::read(&message.payload) {
                return Ok(news);
            }
        }
    }
}

/// As it stands in a URL.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn lost(why: impl ToString) -> LineError {
    LineError::Lost(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-3
    #[test]
    fn what_is_no_url_is_refused_and_not_repeated() {
        for url in
            ["localhost:4222", "http://hunter2@host", "nats://u:hunter2@host:notaport", "", "ws://host"]
        {
            let refused = Nats::new(url, None).unwrap_err();
            assert!(
                matches!(&refused, LineError::Unusable(why) if !why.contains("hunter2")),
                "{url}: {refused}"
            );
        }
    }

    /// SEC-3
    #[tokio::test]
    async fn a_server_that_is_away_is_named_without_the_password() {
        let nats = Nats::new("nats://u:hunter2@127.0.0.1:1", None).unwrap();
        let away = nats.connect().await.err().unwrap().to_string();
        assert!(away.contains("nats://127.0.0.1:1") && !away.contains("hunter2"), "{away}");
    }
}
