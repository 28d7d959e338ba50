//! `cstar serve`.

use cstar_server::{Options, Server, signals, start_logging};

use crate::exit::CliError;
use crate::output::{Output, STRONG};
use crate::serve_flags::ServeFlags;

/// Serves until it is told to stop.
pub(crate) async fn run(flags: &ServeFlags, output: Output) -> Result<(), CliError> {
    let settings = flags.resolve(&[])?;
    if flags.print_config {
        return output.line(settings.print().trim_end());
    }
    let options = Options::from_settings(&settings)?;
    start_logging(&options.log, options.log_format)?;
    let shutdown = signals::shutdown()?;
    let server = Server::start(options).await?;
    if let Some(key) = server.made_platform_key() {
        let key = key.reveal();
        output.line(&format!("platform key: {STRONG}{key}{STRONG:#}"))?;
        output.note("It may do everything, and is shown this once: keep it where your backend finds it.");
    }
    Ok(server.run(shutdown).await?)
}
