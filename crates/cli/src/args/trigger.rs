//! `cstar trigger`.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::trigger::Edit;

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
    /// How long --wait waits
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::duration)]
    pub(crate) timeout: Duration,
}
