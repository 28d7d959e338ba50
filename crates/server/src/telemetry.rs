//! Structured logs, on stderr: stdout is for what a command answers.

use tracing_subscriber::EnvFilter;

use crate::options::LogFormat;
use crate::settings::SettingsError;

/// Begins logging for the whole process, with colours or without.
///
/// # Errors
/// When `filter` is no filter. A second call in one process changes nothing.
pub fn start_logging(filter: &str, format: LogFormat, colours: bool) -> Result<(), SettingsError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| SettingsError(format!("--log {filter:?}: {error}; write a level such as info")))?;
    let lines = tracing_subscriber::fmt().with_ansi(colours);
    let lines = lines.with_env_filter(filter).with_writer(std::io::stderr);
    let begun = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if begun.is_err() {
        tracing::debug!("logging had begun before");
    }
    Ok(())
}
