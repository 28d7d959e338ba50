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
mod serve_flags;
mod trigger;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::{CliError, INTERRUPTED_TWICE};
use output::{BAD, DIM, Output};

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
        Command::Serve(flags) => commands::serve::run(&flags, output).await,
        Command::Dev(flags) => commands::dev::run(global, &flags, output).await,
        command => {
            let interrupted =
                cstar_server::signals::shutdown().map_err(|error| Stop::Failed(error.into()))?;
            // What has no end of its own is ended like this; anything else was cut short.
            let endless = command.is_endless();
            tokio::select! {
                ended = client_command(global, command, output) => ended,
                () = interrupted => return if endless { Ok(()) } else { Err(Stop::Interrupted) },
            }
        }
    };
    ended.map_err(Stop::Failed)
}

async fn client_command(global: &args::Global, command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Listen(arguments) => listen::run(global, arguments, output).await,
        Command::Trigger(arguments) => trigger::run(global, arguments, output).await,
        Command::Events(command) => commands::events::run(global, command, output).await,
        Command::Webhooks(command) => commands::webhooks::run(global, command, output).await,
        Command::Deliveries(command) => commands::deliveries::run(global, command, output).await,
        Command::Keys(command) => commands::keys::run(global, command, output).await,
        Command::Teams(command) => commands::teams::run(global, command, output).await,
        Command::Serve(_) | Command::Dev(_) => unreachable!("these end by themselves when they are told to"),
    }
}

fn told(error: &CliError) -> ExitCode {
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{BAD}error:{BAD:#} {}", error.message);
    if let Some(hint) = &error.hint {
        let _ = writeln!(stderr, "{DIM}hint:{DIM:#}  {hint}");
    }
    error.exit_code()
}
