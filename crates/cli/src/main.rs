//! `cstar`: the server and its client in one binary.

mod args;
mod ask;
mod commands;
mod context;
mod data;
mod exit;
mod listen;
mod new_file;
mod output;
mod profile;
mod progress;
mod trigger;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use cstar_server::signals;

use args::{Cli, Command, Events, Global};
use exit::{CliError, Failure, INTERRUPTED_TWICE};
use output::{BAD, DIM, Output, harmless_lines};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json, cli.global.color);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return told(&error.into()),
    };
    let ended = runtime.block_on(until_interrupted_twice(cli, output));
    // What is still under way on blocking threads does not hold up the end.
    runtime.shutdown_background();
    match ended {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => told(&error),
        None => ExitCode::from(INTERRUPTED_TWICE),
    }
}

/// The first interrupt asks a command for an orderly end, the second does not wait for it: then there is no result.
async fn until_interrupted_twice(cli: Cli, output: Output) -> Option<Result<(), CliError>> {
    // Before the other one: once interrupts are minded at all, the first is heard.
    let interrupted = match signals::shutdown() {
        Ok(interrupted) => interrupted,
        Err(error) => return Some(Err(error.into())),
    };
    let Ok(interrupted_twice) = signals::interrupted_twice() else {
        return Some(run(cli, output, interrupted).await);
    };
    tokio::select! {
        biased;
        ended = run(cli, output, interrupted) => Some(ended),
        () = interrupted_twice => None,
    }
}

async fn run(cli: Cli, output: Output, interrupted: impl Future<Output = ()>) -> Result<(), CliError> {
    let global = &cli.global;
    match cli.command {
        Command::Serve(flags) => commands::serve::run(global, &flags, output, interrupted).await,
        Command::Dev(flags) => commands::dev::run(global, &flags.0, output, interrupted).await,
        Command::Listen(arguments) => listen::run(global, arguments, output, interrupted).await,
        command => {
            // A tail has no end of its own and is ended like this; anything else is cut short.
            let endless = matches!(command, Command::Events(Events::Tail { .. }));
            tokio::select! {
                ended = call(global, command, output) => ended,
                () = interrupted => if endless { Ok(()) } else { Err(cut_short()) },
            }
        }
    }
}

fn cut_short() -> CliError {
    CliError::new(Failure::Unexpected, "interrupted before it ended")
        .hint("what it had already asked the server for may be done")
}

async fn call(global: &Global, command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Trigger(arguments) => trigger::run(global, arguments, output).await,
        Command::Events(command) => commands::events::run(global, command, output).await,
        Command::Webhooks(command) => commands::webhooks::run(global, command, output).await,
        Command::Deliveries(command) => commands::deliveries::run(global, command, output).await,
        Command::Operations(command) => commands::operations::run(global, command, output).await,
        Command::Notices(command) => commands::notices::run(global, command, output).await,
        Command::Keys(command) => commands::keys::run(global, command, output).await,
        Command::Teams(command) => commands::teams::run(global, command, output).await,
        Command::Audit(command) => commands::audit::run(global, command, output).await,
        Command::EventTypes(command) => commands::event_types::run(global, command, output).await,
        Command::Backup(arguments) => commands::backup::back_up(global, arguments, output).await,
        Command::Restore(arguments) => commands::backup::restore(global, arguments, output).await,
        Command::Check(arguments) => commands::check::run(global, arguments, output).await,
        Command::Move(arguments) => commands::move_data::run(global, arguments, output).await,
        Command::RotateMasterKey(arguments) => {
            commands::rotate_master_key::run(global, arguments, output).await
        }
        Command::Verify(arguments) => commands::verify::run(arguments, output).await,
        Command::Login => commands::profiles::login(global, output).await,
        Command::Whoami => commands::profiles::whoami(global, output).await,
        Command::Profiles => commands::profiles::list(global, output),
        Command::Completions { shell } => commands::shell::completions(shell),
        Command::Man { command } => commands::shell::man(&command),
        Command::Serve(_) | Command::Dev(_) | Command::Listen(_) => {
            unreachable!("these end by themselves when they are told to")
        }
    }
}

fn told(error: &CliError) -> ExitCode {
    if error.failure != Failure::NobodyReads {
        let mut stderr = anstream::stderr();
        let _ = writeln!(stderr, "{BAD}error:{BAD:#} {}", harmless_lines(&error.message));
        if let Some(hint) = &error.hint {
            let _ = writeln!(stderr, "{DIM}hint:{DIM:#}  {}", harmless_lines(hint));
        }
    }
    error.exit_code()
}
