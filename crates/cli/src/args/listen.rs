//! `cstar listen`.

use std::time::Duration;

use clap::Args;
use cstar_types::{Cursor, Patterns};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use super::values;
use crate::listen;

#[derive(Args)]
pub(crate) struct Listen {
    /// Where to forward: a URL, a port, host:port/path or /path; may be repeated
    #[arg(long, value_name = "URL", value_parser = listen::parse_target)]
    pub(crate) forward_to: Vec<Url>,
    /// Which events; all unless said
    #[arg(long, value_name = "PATTERNS", value_parser = values::patterns)]
    pub(crate) events: Option<Patterns>,
    /// A further header for what is forwarded, as 'Name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = listen::parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Print the signing secret and nothing else
    #[arg(long, conflicts_with_all = ["forward_to", "events", "after"])]
    pub(crate) print_secret: bool,
    /// Sign with this secret (whsec_…) instead of the listener's own
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    /// Do not verify the certificate of an https target
    #[arg(long)]
    pub(crate) skip_verify: bool,
    /// How long to wait for the local server's answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::duration)]
    pub(crate) timeout: Duration,
    /// Replay what came after this position first; 0 is the oldest that is kept
    #[arg(long, value_name = "POSITION")]
    pub(crate) after: Option<Cursor>,
}
