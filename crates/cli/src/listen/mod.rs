//! `cstar listen`: the team's events as they happen, forwarded to servers on this machine (W55, T22).

mod forward;
mod header;
mod replay;
mod secret;
mod target;
mod told;

use std::time::Duration;

use cstar_client::{Event, Realtime, RealtimeOptions, State, StreamEvent};
use cstar_signature::Secret;
use cstar_types::{Cursor, Position};
use tokio::time::timeout;

use crate::args::{Global, Listen};
use crate::context::Context;
use crate::exit::{CliError, Failure};
use crate::output::Output;
use forward::{ForwardOptions, Forwarder};
use replay::Replay;
use told::Told;

pub(crate) use header::parse as parse_header;
pub(crate) use target::parse as parse_target;

/// A replay is over when nothing has come for so long: the rest of it was left out by the filter.
const QUIET: Duration = Duration::from_secs(1);

/// Listens until it is interrupted, or the stream ends for good.
pub(crate) async fn run(
    global: &Global,
    arguments: Listen,
    output: Output,
    interrupted: impl Future<Output = ()>,
) -> Result<(), CliError> {
    let context = Context::find(global)?;
    let secret = match &arguments.secret {
        Some(given) => Secret::parse(given).map_err(|error| CliError::usage(format!("--secret: {error}")))?,
        None => secret::derive(&context.key, context.team()?),
    };
    if arguments.print_secret {
        return output.line(secret.reveal());
    }
    let options = RealtimeOptions { types: arguments.events, after: arguments.after, until_head: false };
    let realtime = context.team_client()?.realtime(options);
    let forwarder = Forwarder::new(
        &secret,
        ForwardOptions {
            targets: arguments.forward_to,
            headers: arguments.headers,
            timeout: arguments.timeout,
            skip_verify: arguments.skip_verify,
        },
    )?;
    let (replay, tally) = (Replay::default(), Tally::default());
    let mut listener = Listener { output, context, secret, forwarder, was_ready: false, replay, tally };
    listener.listen(realtime, interrupted).await
}

struct Listener {
    output: Output,
    context: Context,
    secret: Secret,
    forwarder: Forwarder,
    was_ready: bool,
    replay: Replay,
    tally: Tally,
}

/// How many forwards there were, and how many of them failed.
#[derive(Default)]
struct Tally {
    all: u64,
    failed: u64,
}

impl Listener {
    /// A forward that has begun is brought to its end before an interrupt counts: what was shown as begun is answered.
    async fn listen(
        &mut self,
        mut realtime: Realtime,
        interrupted: impl Future<Output = ()>,
    ) -> Result<(), CliError> {
        tokio::pin!(interrupted);
        loop {
            let told = tokio::select! {
                biased;
                () = &mut interrupted => return self.tally.verdict(),
                told = next(&mut realtime, self.replay.is_open()) => told,
            };
            let passed = realtime.cursor();
            match told {
                Next::Told(StreamEvent::Event(event)) => self.event(&event).await?,
                Next::Told(StreamEvent::Gap(gap)) => self.tell(&Told::Gap(&gap))?,
                Next::Told(StreamEvent::State(state)) => self.state(state, position(passed))?,
                Next::Quiet => {
                    let count = self.replay.finish();
                    self.replayed(count)?;
                }
                Next::Ended => return self.tally.verdict(),
            }
        }
    }

    async fn event(&mut self, event: &Event) -> Result<(), CliError> {
        self.tell(&Told::Event(event))?;
        for target in self.forwarder.targets() {
            let forwarded = self.forwarder.forward(event, target).await;
            self.tally.all += 1;
            self.tally.failed += u64::from(!forwarded.succeeded());
            self.tell(&Told::Forwarded { id: event.id, forwarded: &forwarded })?;
        }
        let count = self.replay.event(event.position);
        self.replayed(count)
    }

    fn state(&mut self, state: State, passed: Option<Position>) -> Result<(), CliError> {
        match state {
            State::Open(opened) if self.was_ready => {
                let count = self.replay.begin(passed, opened.head);
                self.replayed(count)
            }
            State::Open(_) => self.ready(),
            State::Disconnected(gone) => match gone.retry_in {
                Some(retry_in) => {
                    self.tell(&Told::Disconnected { reason: &gone.error.to_string(), retry_in })
                }
                None => Err(gone.error.into()),
            },
            State::Connecting | State::Ended => Ok(()),
        }
    }

    fn ready(&mut self) -> Result<(), CliError> {
        self.was_ready = true;
        let targets: Vec<String> =
            self.forwarder.targets().iter().map(|target| target.url.to_string()).collect();
        let team = self.context.team()?.to_string();
        let (url, secret) = (self.context.url.as_str(), self.secret.reveal());
        self.tell(&Told::Ready { url, team, secret, targets: &targets })
    }

    fn replayed(&self, count: Option<u64>) -> Result<(), CliError> {
        count.map_or(Ok(()), |count| self.tell(&Told::Replayed { count }))
    }

    fn tell(&self, told: &Told<'_>) -> Result<(), CliError> {
        if self.output.json {
            return self.output.line(&told.to_json().map_err(std::io::Error::other)?);
        }
        let line = told.to_line(&jiff::Zoned::now().strftime("%H:%M:%S").to_string());
        if told.is_of_the_connection() {
            self.output.note(&line);
            return Ok(());
        }
        self.output.line(&line)
    }
}

fn position(cursor: Option<Cursor>) -> Option<Position> {
    match cursor? {
        Cursor::After(position) => Some(position),
        Cursor::Oldest => None,
    }
}

impl Tally {
    fn verdict(&self) -> Result<(), CliError> {
        match self {
            Self { failed: 0, .. } => Ok(()),
            Self { all, failed } => {
                Err(CliError::new(Failure::NotDelivered, format!("{failed} of {all} forwards failed")))
            }
        }
    }
}

/// What a listener hears next.
enum Next {
    Told(StreamEvent),
    /// Nothing came for [`QUIET`], and a replay is being counted.
    Quiet,
    Ended,
}

/// Nothing is lost if the future is dropped.
async fn next(realtime: &mut Realtime, counting: bool) -> Next {
    let told = match counting {
        true => timeout(QUIET, realtime.next()).await,
        false => Ok(realtime.next().await),
    };
    match told {
        Ok(Some(told)) => Next::Told(told),
        Ok(None) => Next::Ended,
        Err(_) => Next::Quiet,
    }
}
