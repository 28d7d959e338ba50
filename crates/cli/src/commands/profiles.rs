//! `cstar login`, `whoami` and `profiles`: whom commands speak to, and as who.

use cstar_client::Url;
use cstar_types::{KeyId, TeamId};
use cstar_wire::Code;
use serde::Serialize;

use crate::args::Global;
use crate::ask;
use crate::context::Context;
use crate::exit::CliError;
use crate::output::{GOOD, Output};
use crate::profile::{self, Profile, Profiles};

/// What a key of a team begins with; a platform key has any form.
const TEAM_KEY_PREFIX: &str = "csk_";

/// What is told of a server and a key. The key itself is told to nobody.
#[derive(Serialize)]
struct Identity {
    profile: Option<String>,
    server: String,
    team: Option<TeamId>,
    /// The public part of a team's key.
    key: Option<KeyId>,
}

/// A row of `cstar profiles`.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    identity: Identity,
    used: bool,
}

/// Says which server, team and key commands use, once the server has taken the key.
pub(crate) async fn whoami(global: &Global, output: Output) -> Result<(), CliError> {
    let context = Context::find(global)?;
    accepts(&context).await?;
    tell(context.into(), output)
}

/// Every profile, and which of them is used.
pub(crate) fn list(global: &Global, output: Output) -> Result<(), CliError> {
    let global = global.or_environment(|name| std::env::var(name).ok())?;
    let used = global.profile.as_deref().unwrap_or(profile::DEV);
    let profiles = Profiles::read(&profile::path()?)?;
    let row = |name: &str| {
        let known = profiles.get(name)?;
        let identity = Identity {
            profile: Some(name.to_owned()),
            server: known.url.clone(),
            team: known.team,
            key: public_part(&known.key),
        };
        Some(Row { identity, used: name == used })
    };
    let rows: Vec<Row> = profiles.names().filter_map(row).collect();
    output.list(&["", "PROFILE", "TEAM", "KEY", "SERVER"], &rows, |Row { identity, used }| {
        let [name, server, team, key] = identity.cells();
        vec![if *used { "*" } else { "" }.to_owned(), name, team, key, server]
    })
}

/// Keeps a server, a key and a team as a profile, once the server has taken the key.
pub(crate) async fn login(global: &Global, output: Output) -> Result<(), CliError> {
    if global.key.is_some() {
        return Err(CliError::usage("others on this machine can see a key on the command line")
            .hint("give it on standard input: `cstar login --profile NAME < FILE`, or type it when asked"));
    }
    let global = global.or_environment(|name| std::env::var(name).ok())?;
    let name = global.profile.ok_or_else(|| {
        CliError::usage("the profile has no name")
            .hint("say --profile NAME; it is used where that is said again")
    })?;
    let path = profile::path()?;
    let mut profiles = Profiles::read(&path)?;
    let url = match (global.server, profiles.get(&name)) {
        (Some(given), _) => given,
        (None, Some(known)) => Url::parse(&known.url).map_err(|error| CliError::usage(error.to_string()))?,
        (None, None) => {
            return Err(CliError::usage("which server?").hint("say --server URL, or set CSTAR_URL"));
        }
    };
    let team = global.team.or_else(|| profiles.get(&name).and_then(|known| known.team));
    let key = ask::secret("Key").await?;
    if key.starts_with(TEAM_KEY_PREFIX) && team.is_none() {
        return Err(CliError::usage("this is a key of one team: of which?")
            .hint("say --team TEAM, or set CSTAR_TEAM_ID"));
    }
    let context = Context { url, key, team, profile: Some(name.clone()) };
    // What is hinted otherwise is where a key may be from; here it was just given.
    accepts(&context).await.map_err(|error| CliError { hint: None, ..error })?;
    profiles.set(&name, Profile { url: context.url.to_string(), key: context.key.clone(), team });
    profiles.write(&path)?;
    output.note(&format!(
        "{GOOD}logged in{GOOD:#}; from now on: cstar --profile {name} …, or export CSTAR_PROFILE={name}"
    ));
    tell(context.into(), output)
}

/// Whether the server takes the key, for the team if there is one. A key that may not see webhooks is a good key.
async fn accepts(context: &Context) -> Result<(), CliError> {
    let client = context.client()?;
    let asked = match context.team {
        Some(team) => client.team(team).webhooks().list().limit(1).next_page().await.map(drop),
        None => client.event_types().list().limit(1).next_page().await.map(drop),
    };
    match asked {
        Err(error) if error.code() == Some(Code::MissingScope.as_str()) => Ok(()),
        asked => Ok(asked?),
    }
}

fn tell(identity: Identity, output: Output) -> Result<(), CliError> {
    if output.json {
        return output.thing(&identity);
    }
    let [profile, server, team, key] = identity.cells();
    let lines = [("server", server), ("team", team), ("key", key), ("profile", profile)];
    lines.iter().try_for_each(|(name, value)| output.line(&format!("{name:<8} {value}")))
}

impl Identity {
    fn cells(&self) -> [String; 4] {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        [
            or_none(self.profile.clone()),
            self.server.clone(),
            or_none(self.team.map(|team| team.to_string())),
            self.key.map_or_else(|| "the platform's".to_owned(), |key| key.to_string()),
        ]
    }
}

impl From<Context> for Identity {
    fn from(context: Context) -> Self {
        Self {
            team: context.team,
            key: public_part(&context.key),
            server: context.url.to_string(),
            profile: context.profile,
        }
    }
}

/// `csk_<id>_<secret>`: the id, which lists of keys show, too.
fn public_part(key: &str) -> Option<KeyId> {
    let (id, _) = key.strip_prefix(TEAM_KEY_PREFIX)?.split_once('_')?;
    format!("key_{id}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-3: of a key nothing but its id is told.
    #[test]
    fn a_keys_public_part_is_its_id() {
        let id = "0".repeat(26);
        assert_eq!(public_part(&format!("csk_{id}_secret")).unwrap().to_string(), format!("key_{id}"));
        for other in ["csk_", "csk_short_secret", "a-platform-key", ""] {
            assert!(public_part(other).is_none(), "{other}");
        }
    }
}
