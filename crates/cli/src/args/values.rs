//! Values of flags, read so that a wrong one is told what a right one looks like.

use std::time::Duration;

use cstar_types::{Patterns, TeamId, parse_duration};
use reqwest::Url;

pub(super) fn server(text: &str) -> Result<Url, String> {
    let hint = "write the server's address with http:// or https://, such as https://cstar.example.com";
    let url = Url::parse(text).map_err(|_| hint.to_owned())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(hint.to_owned()) }
}

pub(super) fn team(text: &str) -> Result<TeamId, String> {
    text.parse().map_err(|_| "write the team's UUID, as `cstar teams list` shows it".to_owned())
}

pub(super) fn patterns(text: &str) -> Result<Patterns, String> {
    Patterns::parse_list(text).map_err(|(pattern, error)| format!("`{pattern}` is no pattern: {error}"))
}

/// Whole seconds, none among them.
pub(super) fn seconds(text: &str) -> Result<u64, &'static str> {
    parse_duration(text)
        .filter(|time| time.subsec_nanos() == 0)
        .map(|time| time.as_secs())
        .ok_or("write whole seconds with a unit (s, m, h, d), such as 24h")
}

pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text)
        .filter(|time| !time.is_zero())
        .ok_or("write a whole number with a unit (ms, s, m, h), such as 10s")
}
