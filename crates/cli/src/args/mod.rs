//! The command line, in words: every flag and what it means.

mod audit;
mod deliveries;
mod event_types;
mod events;
mod global;
mod keys;
mod listen;
mod notices;
mod operations;
mod rows;
mod serve;
mod teams;
mod trigger;
mod upkeep;
mod values;
mod variables;
mod verify;
mod webhooks;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use audit::Audit;
pub(crate) use deliveries::{Deliveries, Resend};
pub(crate) use event_types::EventTypes;
pub(crate) use events::Events;
pub(crate) use global::{Color, Global};
pub(crate) use keys::Keys;
pub(crate) use listen::Listen;
pub(crate) use notices::Notices;
pub(crate) use operations::{Operations, Wait};
pub(crate) use rows::{Period, Rows};
pub(crate) use serve::{DevFlags, ServeFlags, refuse_flags_of_clients};
pub(crate) use teams::Teams;
pub(crate) use trigger::Trigger;
pub(crate) use upkeep::{Backup, Check, Move, Restore, RotateMasterKey, WITHOUT_SERVER};
pub(crate) use verify::Verify;
pub(crate) use webhooks::{WebhookOptions, Webhooks};

/// Webhooks and live streams from one log that loses nothing.
#[derive(Parser)]
#[command(
    name = "cstar",
    version,
    max_term_width = 100,
    before_help = "\
Examples:
  cstar dev                                                 a server on this machine
  cstar listen --forward-to http://localhost:3000/webhook   events, forwarded to your server
  cstar trigger ticket.created                              a test event"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a server, for production
    #[command(before_help = "\
Examples:
  cstar serve --listen 0.0.0.0:7070 --data /var/lib/cstar
  cstar serve --config /etc/cstar.toml --print-config")]
    Serve(ServeFlags),
    /// Run a server on this machine, with a team, a key and a profile ready to use
    #[command(before_help = "\
Examples:
  cstar dev
  cstar dev --listen 127.0.0.1:7171 --data /tmp/cstar")]
    Dev(DevFlags),
    /// Show the team's events as they happen, and forward them to a local server
    #[command(before_help = "\
Examples:
  cstar listen --forward-to http://localhost:3000/webhook
  cstar listen --forward-to 3000 --events 'ticket.*,boss.defeated'
  export WEBHOOK_SECRET=$(cstar listen --print-secret)")]
    Listen(Listen),
    /// Publish a test event
    #[command(before_help = "\
Examples:
  cstar trigger ticket.created
  cstar trigger ticket.created --set title='Printer on fire' --set priority=urgent
  cstar trigger boss.defeated --listeners-only --count 10
  cstar trigger customer.created --wait --timeout 30s")]
    Trigger(Trigger),
    /// The team's events
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar events list --types 'ticket.*' --limit 10
  cstar events publish boss.spawned --data '{\"id\":\"42\"}'
  cstar events tail"
    )]
    Events(Events),
    /// The team's webhooks
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar webhooks create --url https://example.com/webhook --events 'ticket.*'
  cstar webhooks list"
    )]
    Webhooks(Webhooks),
    /// The webhook logs
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar deliveries list --status failed
  cstar deliveries get dlv_…
  cstar deliveries resend dlv_…"
    )]
    Deliveries(Deliveries),
    /// Long work that goes on after its call: resends of many, recoveries
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar operations list
  cstar operations cancel op_…"
    )]
    Operations(Operations),
    /// The team's keys
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar keys create --name dashboard --scopes events:read --types 'ticket.*'
  cstar keys revoke key_…"
    )]
    Keys(Keys),
    /// Teams, with the platform key
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar teams create --name Support
  cstar teams list"
    )]
    Teams(Teams),
    /// What can be published
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar event-types list
  cstar event-types get ticket.created"
    )]
    EventTypes(EventTypes),
    /// Who hears what the server does by itself, with the platform key
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar notices create --url https://ops.example.com/cstar
  cstar notices list"
    )]
    Notices(Notices),
    /// Who changed what, when, and from where
    #[command(
        subcommand,
        before_help = "\
Examples:
  cstar audit list
  cstar audit list --action key.created"
    )]
    Audit(Audit),
    /// Copy everything that a server stores, while it goes on; with the platform key
    #[command(before_help = "\
Examples:
  cstar backup cstar-monday.backup
  cstar backup cstar-monday.backup --server https://cstar.example.com
  cstar backup cstar-monday.backup --data /var/lib/cstar")]
    Backup(Backup),
    /// Make a data directory of a backup
    #[command(before_help = "\
Examples:
  cstar restore cstar-monday.backup --data /var/lib/cstar --master-key-file /etc/cstar/master.key")]
    Restore(Restore),
    /// Look at all of a data directory, on which no server runs, for damage
    #[command(before_help = "\
Examples:
  cstar check --data /var/lib/cstar
  cstar check --data /var/lib/cstar --json")]
    Check(Check),
    /// Move all of a data directory, on which no server runs, into a PostgreSQL database that several nodes share
    #[command(before_help = "\
Examples:
  cstar move --data /var/lib/cstar --store postgres://cstar@db.example.com/events
  CSTAR_STORE=postgres://cstar:…@db.example.com/events cstar move --data /var/lib/cstar")]
    Move(Move),
    /// Encrypt the secrets of a data directory, on which no server runs, with a new master key
    #[command(before_help = "\
Examples:
  cstar rotate-master-key --data /var/lib/cstar
  CSTAR_MASTER_KEY=… cstar rotate-master-key --data /var/lib/cstar --new-key-file /etc/cstar/new.key")]
    RotateMasterKey(RotateMasterKey),
    /// Check a request against a webhook's secret, and say what is wrong
    #[command(before_help = "\
Examples:
  cstar verify --body body.json -H 'X-CStar-Signature: 5257a8…'
  cstar verify --body - --at 2025-12-10T14:30:05Z -H 'X-CStar-Signature: 5257a8…'")]
    Verify(Verify),
    /// Keep a server, a team and a key, read from standard input, as a profile
    #[command(before_help = "\
Examples:
  cstar login --profile live --server https://cstar.example.com --team TEAM")]
    Login,
    /// Show which server, team and key commands use
    #[command(before_help = "\
Examples:
  cstar whoami
  cstar --profile live whoami")]
    Whoami,
    /// List the profiles; * marks the one that is used
    #[command(before_help = "\
Examples:
  cstar profiles")]
    Profiles,
    /// Print what lets a shell complete `cstar`
    #[command(before_help = "\
Examples:
  cstar completions bash
  cstar completions zsh")]
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Print the manual page of `cstar`, or of a command
    #[command(before_help = "\
Examples:
  cstar man
  cstar man webhooks create")]
    Man {
        /// The command, word by word
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::{Args, CommandFactory};

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// An argument of a command under the name of one that all commands take would be read in place of it.
    #[test]
    fn no_command_hides_what_all_commands_take() {
        let shared = Global::augment_args(clap::Command::new("shared"));
        let shared: Vec<_> = shared.get_arguments().map(clap::Arg::get_id).collect();
        for command in all_commands() {
            for arg in command.get_arguments().filter(|arg| !arg.is_global_set()) {
                assert!(!shared.contains(&arg.get_id()), "`{}` of {}", arg.get_id(), command.get_name());
            }
        }
    }

    /// Every command at every depth.
    fn all_commands() -> Vec<clap::Command> {
        let mut root = Cli::command();
        root.build();
        let mut found = vec![root];
        let mut next = 0;
        while next < found.len() {
            let inner: Vec<_> =
                found[next].get_subcommands().filter(|inner| inner.get_name() != "help").cloned().collect();
            found.extend(inner);
            next += 1;
        }
        found
    }

    /// The words of a line as a shell reads them: blanks part, single quotes hold together.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for letter in line.chars() {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                other => words.last_mut().expect("it begins with one").push(other),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// The command within a line of examples: without what says what it is for, and what is around it.
    fn command_in(line: &str) -> String {
        let begin = line.find("cstar ").expect("every example runs cstar");
        let command = line[begin..].split("   ").next().expect("there is a first part").trim_end_matches(')');
        let id = "0".repeat(26);
        command.replace('…', &id).replace("TEAM", "00000000-0000-4000-8000-000000000000")
    }

    /// Help opens with examples, and each of them is one that the command line takes.
    #[test]
    fn every_help_opens_with_examples_that_work() {
        for mut command in all_commands() {
            let help = command.render_help().to_string();
            let mut lines = help.lines();
            assert_eq!(lines.next(), Some("Examples:"), "{}", command.get_name());
            for line in lines.take_while(|line| !line.is_empty()) {
                let example = command_in(line);
                if let Err(error) = Cli::try_parse_from(words(&example)) {
                    panic!("{example}: {error}");
                }
            }
        }
    }
}
