//! What every command takes.

use clap::{Args, ValueEnum};
use cstar_types::TeamId;
use reqwest::Url;

use super::values;
use crate::exit::CliError;

/// What every command takes. Clap reads the flags alone; [`Global::or_environment`] adds what the environment says, so
/// that an empty variable counts as none.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// The server [env: CSTAR_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING, value_parser = values::server)]
    pub(crate) server: Option<Url>,
    /// The key; better in the environment than here, where others on this machine can see it [env: CSTAR_KEY]
    #[arg(long, global = true, value_name = "KEY", help_heading = HEADING)]
    pub(crate) key: Option<String>,
    /// The team [env: CSTAR_TEAM_ID]
    #[arg(long, global = true, value_name = "TEAM", help_heading = HEADING, value_parser = values::team)]
    pub(crate) team: Option<TeamId>,
    /// Which profile holds the server, the key and the team; `dev` unless said [env: CSTAR_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub(crate) profile: Option<String>,
    /// Answer in JSON, one object a line
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) json: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = HEADING)]
    pub(crate) color: Color,
    /// Do not ask
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub(crate) yes: bool,
}

const HEADING: &str = "Global options";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Global {
    /// The same, with the environment's word where no flag was given.
    pub(crate) fn or_environment(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, CliError> {
        let variable = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let server = match &self.server {
            Some(given) => Some(given.clone()),
            None => read("CSTAR_URL", variable("CSTAR_URL"), values::server)?,
        };
        let team = match self.team {
            Some(given) => Some(given),
            None => read("CSTAR_TEAM_ID", variable("CSTAR_TEAM_ID"), values::team)?,
        };
        let key = self.key.clone().or_else(|| variable("CSTAR_KEY"));
        let profile = self.profile.clone().or_else(|| variable("CSTAR_PROFILE"));
        Ok(Self { server, key, team, profile, ..self.clone() })
    }
}

fn read<T>(
    name: &str,
    value: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, CliError> {
    let parsed = value.map(|value| parse(&value).map_err(|error| (value, error))).transpose();
    parsed.map_err(|(value, error)| CliError::usage(format!("{name} is `{value}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(server: Option<&str>, key: Option<&str>) -> Global {
        Global {
            server: server.map(|url| url.parse().unwrap()),
            key: key.map(str::to_owned),
            team: None,
            profile: None,
            json: false,
            color: Color::Never,
            yes: false,
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let environment = |name: &str| {
            Some(match name {
                "CSTAR_URL" => "http://environment.test".to_owned(),
                "CSTAR_TEAM_ID" => "550e8400-e29b-41d4-a716-446655440000".to_owned(),
                other => other.to_lowercase(),
            })
        };
        let merged = flags(Some("http://flag.test"), Some("flag")).or_environment(environment).unwrap();
        assert_eq!(
            (merged.server.unwrap().as_str(), merged.key.as_deref()),
            ("http://flag.test/", Some("flag"))
        );
        assert_eq!(merged.profile.as_deref(), Some("cstar_profile"));
        let merged = flags(None, None).or_environment(environment).unwrap();
        assert_eq!(merged.server.unwrap().as_str(), "http://environment.test/");
        assert_eq!(merged.key.as_deref(), Some("cstar_key"));
        assert!(merged.team.is_some());
    }

    #[test]
    fn an_empty_variable_counts_as_none_and_a_wrong_one_is_named() {
        let merged = flags(None, None).or_environment(|_| Some(String::new())).unwrap();
        assert!(
            merged.server.is_none()
                && merged.key.is_none()
                && merged.team.is_none()
                && merged.profile.is_none()
        );
        for name in ["CSTAR_URL", "CSTAR_TEAM_ID"] {
            let error = flags(None, None).or_environment(|asked| (asked == name).then(|| "nope".into()));
            let message = error.err().unwrap().message;
            assert!(message.starts_with(&format!("{name} is `nope`: ")), "{message}");
        }
    }
}
