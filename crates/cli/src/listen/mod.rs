//! `cstar listen`: the team's events as they happen, forwarded to servers on this machine (W55, T22).

mod forward;
mod header;
mod replay;
mod secret;
mod target;
mod told;

use std::time::Duration;

use cstar_client::{Error, Event, Realtime, RealtimeOptions, State, StreamEvent};
use cstar_signature::Secret;
use cstar_types::{Cursor, Position};
use tokio::time::timeout;

use crate::args::{Global, Listen};
use crate::context::Context;
use crate::exit::CliError;
use crate::output::Output;
use forward::{ForwardOptions, Forwarder};
use replay::Replay;
use told::Told;

pub(crate) use header::parse as parse_header;
pub(crate) use target::parse as parse_target;

/// A replay is over when nothing has come for so long: the rest of it was left out by the filter.
const QUIET: Duration = Duration::from_secs(1);

/// Listens until the stream ends for good.
pub(crate) async fn run(global: &Global, arguments: Listen, output: Output) -> Result<(), CliError> {
    let context = Context::find(global)?;
    let secret = match &arguments.secret {
        Some(given) => Secret::parse(given).map_err(|error| CliError::usage(format!("--secret: {error}")))?,
        None => secret::derive(&context.key, context.team()?),
    };
    if arguments.print_secret {
        return output.line(secret.reveal());
    }
    let options = RealtimeOptions { types: arguments.events, after: arguments.after, until_head: false };
    let realtime = context.client()?.team(context.team()?).realtime(options);
    let forwarder = Forwarder::new(
        &secret,
        ForwardOptions {
            targets: arguments.forward_to,
            headers: arguments.headers,
            timeout: arguments.timeout,
            skip_verify: arguments.skip_verify,
        },
    )?;
    let mut listener =
        Listener { output, context, secret, forwarder, was_ready: false, replay: Replay::default() };
    listener.listen(realtime).await
}

struct Listener {
    output: Output,
    context: Context,
    secret: Secret,
    forwarder: Forwarder,
    was_ready: bool,
    replay: Replay,
}

impl Listener {
    async fn listen(&mut self, mut realtime: Realtime) -> Result<(), CliError> {
        loop {
            let told = if self.replay.is_open() {
                match timeout(QUIET, realtime.next()).await {
                    Ok(told) => told,
                    Err(_) => {
                        let count = self.replay.finish();
                        self.replayed(count)?;
                        continue;
                    }
                }
            } else {
                realtime.next().await
            };
            let passed = realtime.cursor();
            match told {
                Some(StreamEvent::Event(event)) => self.event(&event).await?,
                Some(StreamEvent::Gap(gap)) => self.tell(&Told::Gap(&gap))?,
                Some(StreamEvent::State(state)) => self.state(state, position(passed))?,
                None => return Ok(()),
            }
        }
    }

    async fn event(&mut self, event: &Event) -> Result<(), CliError> {
        self.tell(&Told::Event(event))?;
        for forwarded in self.forwarder.forward(event).await {
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
                None => Err(ended(gone.error)),
            },
            State::Connecting | State::Ended => Ok(()),
        }
    }

    fn ready(&mut self) -> Result<(), CliError> {
        self.was_ready = true;
        let targets: Vec<String> = self.forwarder.targets().iter().map(ToString::to_string).collect();
        let team = self.context.team()?.to_string();
        let (url, secret) = (self.context.url.as_str(), self.secret.reveal());
        self.tell(&Told::Ready { url, team, secret, targets: &targets })
    }

    fn replayed(&self, count: Option<u64>) -> Result<(), CliError> {
        count.map_or(Ok(()), |count| self.tell(&Told::Replayed { count }))
    }

    fn tell(&self, told: &Told<'_>) -> Result<(), CliError> {
        if self.output.json {
            self.output.line(&told.to_json().to_string())
        } else {
            self.output.line(&told.to_line(&jiff::Zoned::now().strftime("%H:%M:%S").to_string()))
        }
    }
}

fn position(cursor: Option<Cursor>) -> Option<Position> {
    match cursor? {
        Cursor::After(position) => Some(position),
        Cursor::Oldest => None,
    }
}

fn ended(error: Error) -> CliError {
    CliError::from(error).hint("the stream has ended for good")
}
