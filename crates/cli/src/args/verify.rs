//! `cstar verify`.

use clap::Args;
use cstar_types::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};

use crate::listen;

#[derive(Args)]
pub(crate) struct Verify {
    /// The raw body as it came: a file, or - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) body: String,
    /// A header as it came, as 'Name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = listen::parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The webhook's secret (whsec_…); better in the environment than here [env: WEBHOOK_SECRET]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    /// When it came, such as 2025-12-10T14:30:00Z; now unless said
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub(crate) at: Option<Timestamp>,
}
