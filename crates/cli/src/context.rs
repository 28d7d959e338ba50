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
    pub(crate) team: Option<TeamId>,
    /// The profile that the key is from.
    pub(crate) profile: Option<String>,
}

impl Context {
    /// Puts flags, environment and profile together.
    pub(crate) fn find(global: &Global) -> Result<Self, CliError> {
        let global = global.or_environment(|name| std::env::var(name).ok())?;
        let profiles = Profiles::read(&profile::path()?)?;
        Self::merge(&global, &profiles)
    }

    /// A key and its server come from one place: a profile's key goes to no other server than the profile's.
    fn merge(global: &Global, profiles: &Profiles) -> Result<Self, CliError> {
        let profile = chosen(global, profiles)?;
        let from_profile = profile.map(url_of).transpose()?;
        let url = global.server.clone().or_else(|| from_profile.clone());
        let url = url.unwrap_or_else(|| cstar_client::DEFAULT_URL.parse().expect("the default is a URL"));
        let elsewhere = from_profile.is_some_and(|from_profile| from_profile.origin() != url.origin());
        let own = profile.filter(|_| !elsewhere);
        let name = own.filter(|_| global.key.is_none()).and(global.profile.as_deref().or(Some(profile::DEV)));
        let key = global.key.clone().or_else(|| own.map(|profile| profile.key.clone()));
        let key = key.ok_or_else(|| if elsewhere { no_key_for(&url) } else { no_key() })?;
        let team = global.team.or_else(|| own.and_then(|profile| profile.team));
        Ok(Self { url, key, team, profile: name.map(str::to_owned) })
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

fn url_of(profile: &Profile) -> Result<Url, CliError> {
    Url::parse(&profile.url)
        .map_err(|error| CliError::usage(format!("the profile's url {:?}: {error}", profile.url)))
}

fn no_key_for(url: &Url) -> CliError {
    CliError::usage(format!("no key is known for {url}"))
        .hint("the profile's key is for another server; give --key, or set CSTAR_KEY, and --team")
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

    /// SEC-3: a key is not told to a server that it is not for.
    #[test]
    fn a_profiles_key_and_team_go_to_its_own_server_alone() {
        let mut profiles = profiles();
        let team: TeamId = "550e8400-e29b-41d4-a716-446655440000".parse().unwrap();
        let live = Profile { url: "http://live.test".into(), key: "csk_live".into(), team: Some(team) };
        profiles.set("live", live);
        let error = Context::merge(&global(None, Some("live"), Some("http://other.test")), &profiles);
        assert!(error.err().unwrap().message.contains("no key is known for http://other.test/"));
        let own = Context::merge(&global(None, Some("live"), Some("http://live.test/")), &profiles).unwrap();
        assert_eq!((own.key.as_str(), own.team), ("csk_live", Some(team)));
        let other = global(Some("csk_flag"), Some("live"), Some("http://other.test"));
        let other = Context::merge(&other, &profiles).unwrap();
        assert_eq!((other.key.as_str(), other.url.as_str()), ("csk_flag", "http://other.test/"));
        assert_eq!(other.team, None, "the team is that server's too");
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
