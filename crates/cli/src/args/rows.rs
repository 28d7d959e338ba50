//! What every list takes.

use clap::Args;
use cstar_types::Timestamp;

/// How much of a list.
#[derive(Args)]
pub(crate) struct Rows {
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50", value_parser = at_least_one)]
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

fn at_least_one(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|rows| *rows > 0).ok_or("write a whole number from 1 on")
}
