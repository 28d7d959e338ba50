//! The command line, in words: every flag and what it means.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cstar_types::{
    Cursor, DeliveryId, DeliveryStatus, EventId, EventType, KeyId, Patterns, RetrySchedule, Scope, TeamId,
    Timestamp, WebhookId, parse_duration,
};
use reqwest::Url;

use crate::listen;
use crate::serve_flags::ServeFlags;
use crate::trigger::Edit;

/// Webhooks and live streams from one log that loses nothing.
#[derive(Parser)]
#[command(
    name = "cstar",
    version,
    max_term_width = 100,
    before_help = "\
Examples:
  cstar dev                                                        a server on this machine
  cstar listen --forward-to http://localhost:3000/webhook          events, forwarded to your server
  cstar trigger ticket.created                                     a test event"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// The server
    #[arg(long, global = true, env = "CSTAR_URL", value_name = "URL")]
    pub(crate) server: Option<Url>,
    /// The key; better in the environment than here, where others on this machine can see it
    #[arg(long, global = true, env = "CSTAR_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The team
    #[arg(long, global = true, env = "CSTAR_TEAM_ID", value_name = "TEAM")]
    pub(crate) team: Option<TeamId>,
    /// Which profile holds the server, the key and the team; `dev` unless said
    #[arg(long, global = true, env = "CSTAR_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Answer in JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Do not ask
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a server, for production
    #[command(
        before_help = "Examples:\n  cstar serve --listen 0.0.0.0:7070 --data /var/lib/cstar\n  cstar serve --config /etc/cstar.toml --print-config"
    )]
    Serve(ServeFlags),
    /// Run a server on this machine, with a team, a key and a profile ready to use
    #[command(before_help = "Examples:\n  cstar dev\n  cstar dev --listen 127.0.0.1:7171 --data /tmp/cstar")]
    Dev(ServeFlags),
    /// Show the team's events as they happen, and forward them to a local server
    #[command(
        before_help = "Examples:\n  cstar listen --forward-to http://localhost:3000/webhook\n  cstar listen --forward-to 3000 --events 'ticket.*,boss.defeated'\n  export WEBHOOK_SECRET=$(cstar listen --print-secret)"
    )]
    Listen(Listen),
    /// Publish a test event
    #[command(
        before_help = "Examples:\n  cstar trigger ticket.created\n  cstar trigger ticket.created --set title='Printer on fire' --set priority=urgent\n  cstar trigger boss.defeated --listeners-only --count 10"
    )]
    Trigger(Trigger),
    /// The team's events
    #[command(
        subcommand,
        before_help = "Examples:\n  cstar events list --types 'ticket.*' --limit 10\n  cstar events publish ticket.closed --data '{\"id\":\"42\"}'\n  cstar events tail"
    )]
    Events(Events),
    /// The team's webhooks
    #[command(
        subcommand,
        before_help = "Examples:\n  cstar webhooks create --url https://example.com/webhook --events 'ticket.*'\n  cstar webhooks list"
    )]
    Webhooks(Webhooks),
    /// The webhook logs
    #[command(
        subcommand,
        before_help = "Examples:\n  cstar deliveries list --status failed\n  cstar deliveries get dlv_…\n  cstar deliveries resend dlv_…"
    )]
    Deliveries(Deliveries),
    /// The team's keys
    #[command(
        subcommand,
        before_help = "Examples:\n  cstar keys create --name dashboard --scopes events:read --types 'ticket.*'\n  cstar keys revoke key_…"
    )]
    Keys(Keys),
    /// Teams, with the platform key
    #[command(
        subcommand,
        before_help = "Examples:\n  cstar teams create --name 'Support'\n  cstar teams list"
    )]
    Teams(Teams),
}

impl Command {
    /// Whether it goes on until it is interrupted.
    pub(crate) const fn is_endless(&self) -> bool {
        matches!(self, Self::Listen(_) | Self::Events(Events::Tail { .. }))
    }
}

#[derive(Args)]
pub(crate) struct Listen {
    /// Where to forward: a URL, a port, host:port/path or /path; may be repeated
    #[arg(long, value_name = "URL", value_parser = listen::parse_target)]
    pub(crate) forward_to: Vec<Url>,
    /// Which events; all unless said
    #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
    pub(crate) events: Option<Patterns>,
    /// A further header for what is forwarded, as 'Name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = listen::parse_header)]
    pub(crate) headers: Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>,
    /// Print the signing secret and nothing else
    #[arg(long, conflicts_with_all = ["forward_to", "events", "after"])]
    pub(crate) print_secret: bool,
    /// Sign with this secret (whsec_…) instead of the listener's own
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    /// Do not verify the certificate of an https target
    #[arg(long)]
    pub(crate) skip_verify: bool,
    /// How long to wait for the local server's answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Replay what came after this position first; 0 is the oldest that is kept
    #[arg(long, value_name = "POSITION")]
    pub(crate) after: Option<Cursor>,
}

#[derive(Args)]
pub(crate) struct Trigger {
    /// The type, such as ticket.created
    #[arg(value_name = "TYPE")]
    pub(crate) event_type: String,
    /// The data instead of the example: a file, - for standard input, or the JSON itself
    #[arg(long, value_name = "FILE|-|JSON")]
    pub(crate) data: Option<String>,
    /// Change a value of the data; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = Edit::parse)]
    pub(crate) set: Vec<Edit>,
    /// Let --set add what the data lacks
    #[arg(long, requires = "set")]
    pub(crate) add: bool,
    /// How many events
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Only for listeners and streams: registered webhooks get nothing
    #[arg(long)]
    pub(crate) listeners_only: bool,
    /// Wait until every registered webhook has it; exit with 6 if one does not get it
    #[arg(long, conflicts_with = "listeners_only")]
    pub(crate) wait: bool,
}

/// How much of a list.
#[derive(Args)]
pub(crate) struct Rows {
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: usize,
    /// Begin behind this row: an id, a position, or what the page before ended with
    #[arg(long, value_name = "ROW")]
    pub(crate) after: Option<String>,
}

/// When.
#[derive(Args)]
pub(crate) struct Period {
    /// From this time on, such as 2025-12-10T14:30:00Z
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(crate) since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(crate) until: Option<Timestamp>,
}

#[derive(Subcommand)]
pub(crate) enum Events {
    /// List events, newest first
    List {
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        period: Period,
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        types: Option<Patterns>,
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
    },
    /// Show one event, byte for byte
    Get { event: EventId },
    /// Publish an event
    Publish {
        /// The type
        #[arg(value_name = "TYPE")]
        event_type: EventType,
        /// Its data: a file, - for standard input, or the JSON itself
        #[arg(long, value_name = "FILE|-|JSON")]
        data: String,
        /// A repeat with the same key finds the first event
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Make no webhook deliveries
        #[arg(long)]
        no_webhooks: bool,
    },
    /// Show events as they happen, one envelope a line
    Tail {
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        types: Option<Patterns>,
        /// Replay what came after this position first; 0 is the oldest that is kept
        #[arg(long, value_name = "POSITION")]
        after: Option<Cursor>,
        /// End once everything up to now was shown
        #[arg(long)]
        until_head: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Webhooks {
    /// List webhooks, newest first
    List(Rows),
    /// Show one
    Get { webhook: WebhookId },
    /// Register a URL; its secret is shown this once
    Create {
        /// Where requests go
        #[arg(long)]
        url: String,
        /// Which events
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        events: Patterns,
        #[command(flatten)]
        options: WebhookOptions,
        /// A secret that the receiver knows already (whsec_…)
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
    },
    /// Change one; what is not said stays
    Update {
        webhook: WebhookId,
        /// A new URL
        #[arg(long)]
        url: Option<String>,
        /// New patterns
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        events: Option<Patterns>,
        #[command(flatten)]
        options: WebhookOptions,
        /// Enable it
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Disable it; what waits is cancelled
        #[arg(long)]
        disable: bool,
    },
    /// Delete one; what waits is cancelled
    Delete { webhook: WebhookId },
}

/// What a webhook may have beside its URL and patterns.
#[derive(Args)]
pub(crate) struct WebhookOptions {
    /// For people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Its own waits between attempts, such as 1m,5m,30m
    #[arg(long, value_name = "WAITS")]
    pub(crate) retry_schedule: Option<RetrySchedule>,
    /// A header for every request, as 'Name: value'; may be repeated, and replaces those before
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = listen::parse_header)]
    pub(crate) headers: Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>,
    /// Whether an answer of 410 disables it
    #[arg(long, value_name = "true|false")]
    pub(crate) disable_on_gone: Option<bool>,
}

#[derive(Subcommand)]
pub(crate) enum Deliveries {
    /// List deliveries, newest first
    List {
        #[command(flatten)]
        rows: Rows,
        #[command(flatten)]
        period: Period,
        /// Of this webhook
        #[arg(long)]
        webhook: Option<WebhookId>,
        /// Of this event
        #[arg(long)]
        event: Option<EventId>,
        /// In this status: pending, retrying, delivered, failed or cancelled
        #[arg(long)]
        status: Option<DeliveryStatus>,
        /// Which types
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        types: Option<Patterns>,
    },
    /// Show one and its attempts
    Get { delivery: DeliveryId },
    /// Send one again, with a new schedule
    Resend { delivery: DeliveryId },
}

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// List keys, newest first
    List(Rows),
    /// Make a key; it is shown this once
    Create {
        /// For people
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
        /// Which types it sees; all unless said
        #[arg(long, value_name = "PATTERNS", value_parser = patterns)]
        types: Option<Patterns>,
        /// From when on it opens nothing
        #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
        expires_at: Option<Timestamp>,
    },
    /// Revoke a key for good; its streams end
    Revoke { key: KeyId },
}

#[derive(Subcommand)]
pub(crate) enum Teams {
    /// List teams, newest first
    List(Rows),
    /// Show one
    Get { team: TeamId },
    /// Make a team
    Create {
        /// For people
        #[arg(long)]
        name: String,
        /// The application's own UUID for it
        #[arg(long)]
        id: Option<TeamId>,
    },
    /// Delete a team and everything of it
    Delete { team: TeamId },
}

fn patterns(text: &str) -> Result<Patterns, String> {
    Patterns::parse_list(text).map_err(|(pattern, error)| format!("`{pattern}` is no pattern: {error}"))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text)
        .filter(|time| !time.is_zero())
        .ok_or("write a whole number with a unit (ms, s, m, h), such as 10s")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
