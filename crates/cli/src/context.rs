//! Which server, which key, which team: flag before environment before profile.

use cstar_client::{Client, Config, KeySource, TeamClient};
use cstar_types::TeamId;
use reqwest::Url;

use crate::args::Global;
use crate::exit::CliError;
use crate::profile::{self, Profile, Profiles};

/// Whom a command speaks to.
pub(crate) struct Context {
    pub(crate) url: Url,
    pub(crate) key: String,
    team: Option<TeamId>,
}

impl Context {
    /// Puts flags, environment and profile together.
    pub(crate) fn find(global: &Global) -> Result<Self, CliError> {
        let global = global.or_environment(|name| std::env::var(name).ok())?;
        let profiles = Profiles::read(&profile::path()?)?;
        Self::merge(&global, &profiles)
    }

    fn merge(global: &Global, profiles: &Profiles) -> Result<Self, CliError> {
        let profile = chosen(global, profiles)?;
        let key =
            global.key.clone().or_else(|| profile.map(|profile| profile.key.clone())).ok_or_else(no_key)?;
        let url = match (&global.server, profile) {
            (Some(url), _) => url.clone(),
            (None, Some(profile)) => Url::parse(&profile.url)
                .map_err(|error| CliError::usage(format!("the profile's url {:?}: {error}", profile.url)))?,
            (None, None) => Url::parse(cstar_client::DEFAULT_URL).expect("the default is a URL"),
        };
        Ok(Self { url, key, team: global.team.or_else(|| profile.and_then(|profile| profile.team)) })
    }

    /// A client of the server with the key.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        let config = Config::new(self.url.clone(), KeySource::fixed(self.key.as_str()));
        Ok(Client::new(Config {
            user_agent: concat!("cstar-cli/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..config
        })?)
    }

    /// A client of the chosen team.
    pub(crate) fn team_client(&self) -> Result<TeamClient, CliError> {
        Ok(self.client()?.team(self.team()?))
    }

    /// The team, which most commands need.
    pub(crate) fn team(&self) -> Result<TeamId, CliError> {
        self.team.ok_or_else(|| {
            CliError::usage("no team is chosen")
                .hint("give --team, or set CSTAR_TEAM_ID; `cstar teams list` shows them")
        })
    }

    /// Whether the server is on this machine: then nobody else is met by a test event.
    pub(crate) fn is_local(&self) -> bool {
        cstar_client::is_this_machine(&self.url)
    }
}

/// The named profile, which must be there; else `dev`, if it is.
fn chosen<'a>(global: &Global, profiles: &'a Profiles) -> Result<Option<&'a Profile>, CliError> {
    let Some(name) = &global.profile else { return Ok(profiles.get(profile::DEV)) };
    profiles.get(name).map(Some).ok_or_else(|| {
        let known: Vec<&str> = profiles.names().collect();
        let known = if known.is_empty() {
            "there is none yet".to_owned()
        } else {
            format!("there are: {}", known.join(", "))
        };
        CliError::usage(format!("there is no profile `{name}`")).hint(known)
    })
}

fn no_key() -> CliError {
    CliError::usage("no key is known")
        .hint("run `cstar dev` for a server on this machine, or set CSTAR_KEY, CSTAR_TEAM_ID and CSTAR_URL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;

    fn global(key: Option<&str>, profile: Option<&str>, url: Option<&str>) -> Global {
        Global {
            server: url.map(|url| url.parse().unwrap()),
            key: key.map(str::to_owned),
            team: None,
            profile: profile.map(str::to_owned),
            json: false,
            color: Color::Never,
            yes: false,
        }
    }

    fn profiles() -> Profiles {
        let mut profiles = Profiles::default();
        for name in ["dev", "live"] {
            profiles.set(
                name,
                Profile { url: format!("http://{name}.test"), key: format!("csk_{name}"), team: None },
            );
        }
        profiles
    }

    #[test]
    fn a_flag_wins_over_the_chosen_profile_over_dev() {
        let find = |global: &Global| Context::merge(global, &profiles()).unwrap();
        assert_eq!(find(&global(None, None, None)).key, "csk_dev");
        assert_eq!(find(&global(None, Some("live"), None)).key, "csk_live");
        let flag = find(&global(Some("csk_flag"), Some("live"), None));
        assert_eq!((flag.key.as_str(), flag.url.as_str()), ("csk_flag", "http://live.test/"));
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let none = Profiles::default();
        let error = Context::merge(&global(None, None, None), &none).err().unwrap();
        assert!(error.hint.unwrap().contains("cstar dev"));
        let error = Context::merge(&global(None, Some("nope"), None), &profiles()).err().unwrap();
        assert!(error.hint.unwrap().contains("dev, live"));
        assert!(Context::merge(&global(Some("k"), None, None), &none).unwrap().team().is_err());
    }
}
