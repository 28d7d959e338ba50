//! `cstar serve`.

use cstar_server::{Options, Server, Settings, start_logging};
use serde_json::json;

use crate::args::{Global, ServeFlags, refuse_flags_of_clients};
use crate::exit::CliError;
use crate::output::{Output, STRONG};

/// Serves until it is told to stop.
pub(crate) async fn run(
    global: &Global,
    flags: &ServeFlags,
    output: Output,
    shutdown: impl Future<Output = ()>,
) -> Result<(), CliError> {
    refuse_flags_of_clients(global, "this one is the server")?;
    let settings = flags.resolve(&[], output)?;
    if flags.print_config {
        return print_config(&settings, output);
    }
    let options = Options::from_settings(&settings)?;
    start_logging(&options.log, options.log_format, output.notes_have_colours())?;
    let server = Server::start(options).await?;
    if let Some(key) = server.made_platform_key() {
        let key = key.reveal();
        output.line(&match output.json {
            true => json!({"told": "platform_key", "key": key}).to_string(),
            false => format!("platform key: {STRONG}{key}{STRONG:#}"),
        })?;
        output.note("It may do everything, and is shown this once: keep it where your backend finds it.");
    }
    Ok(server.run(shutdown).await?)
}

/// Each setting, its value, and where that came from.
pub(super) fn print_config(settings: &Settings, output: Output) -> Result<(), CliError> {
    if !output.json {
        return output.line(settings.print().trim_end());
    }
    settings.rows().try_for_each(|(name, value, source)| {
        let source = source.map(|source| source.to_string());
        output.line(&json!({"name": name, "value": value, "source": source}).to_string())
    })
}
