//! `cstar`: the server and its client in one binary.

mod args;
mod ask;
mod commands;
mod context;
mod data;
mod exit;
mod listen;
mod output;
mod profile;
mod trigger;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

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
    let ended = runtime.block_on(async {
        let Ok(interrupted_twice) = cstar_server::signals::interrupted_twice() else {
            return run(cli, output).await;
        };
        tokio::select! {
            ended = run(cli, output) => ended,
            () = interrupted_twice => Err(Stop::Interrupted),
        }
    });
    // What is still under way on blocking threads does not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(INTERRUPTED_TWICE),
        Err(Stop::Failed(error)) => told(&error),
    }
}

enum Stop {
    Interrupted,
    Failed(CliError),
}

async fn run(cli: Cli, output: Output) -> Result<(), Stop> {
    let global = &cli.global;
    let ended = match cli.command {
        Command::Serve(flags) => commands::serve::run(global, &flags, output).await,
        Command::Dev(flags) => commands::dev::run(global, &flags.0, output).await,
        command => return client_command(global, command, output).await,
    };
    ended.map_err(Stop::Failed)
}

async fn client_command(global: &Global, command: Command, output: Output) -> Result<(), Stop> {
    let interrupted = cstar_server::signals::shutdown().map_err(|error| Stop::Failed(error.into()))?;
    let command = match command {
        Command::Listen(arguments) => {
            return listen::run(global, arguments, output, interrupted).await.map_err(Stop::Failed);
        }
        command => command,
    };
    // A tail has no end of its own and is ended like this; anything else was cut short.
    let endless = matches!(command, Command::Events(Events::Tail { .. }));
    tokio::select! {
        ended = call(global, command, output) => ended.map_err(Stop::Failed),
        () = interrupted => if endless { Ok(()) } else { Err(Stop::Interrupted) },
    }
}

async fn call(global: &Global, command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Trigger(arguments) => trigger::run(global, arguments, output).await,
        Command::Events(command) => commands::events::run(global, command, output).await,
        Command::Webhooks(command) => commands::webhooks::run(global, command, output).await,
        Command::Deliveries(command) => commands::deliveries::run(global, command, output).await,
        Command::Keys(command) => commands::keys::run(global, command, output).await,
        Command::Teams(command) => commands::teams::run(global, command, output).await,
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
