//! `cstar dev`: a server for one developer's machine, ready to use.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use cstar_client::{Client, Config, KeySource, Url};
use cstar_server::{Options, SecretSetting, Server, start_logging};
use cstar_types::{Scope, TeamId};
use cstar_wire::{CreateKey, CreatePortalLink, CreateTeam};

use super::serve::print_config;
use crate::args::{Global, ServeFlags, refuse_flags_of_clients};
use crate::exit::CliError;
use crate::output::{DIM, GOOD, Output, STRONG};
use crate::profile::{self, Profile, Profiles};

/// What holds here unless said otherwise: this machine only, and its own servers as targets.
pub(crate) const DEFAULTS: [(&str, &str); 7] = [
    ("listen", "127.0.0.1:7070"),
    ("data", ".cstar"),
    ("allow-http", "true"),
    ("allow-targets", "127.0.0.0/8,::1/128"),
    ("cors-origins", "localhost"),
    ("check-host", "true"),
    ("log", "error"),
];
/// The directory holds keys and everything that was published: for its owner alone.
const PRIVATE_MODE: u32 = 0o700;
const PLATFORM_KEY_FILE: &str = "platform.key";
const NAME: &str = "dev";
/// The link to the settings page is good for a day, the longest there is: it is followed from this terminal, whenever.
const LINK_SECONDS: u64 = 24 * 3600;

/// Serves until it is told to stop.
pub(crate) async fn run(
    global: &Global,
    flags: &ServeFlags,
    output: Output,
    shutdown: impl Future<Output = ()>,
) -> Result<(), CliError> {
    refuse_flags_of_clients(global, "this one is the server")?;
    let settings = flags.resolve(&DEFAULTS, output)?;
    if flags.print_config {
        return print_config(&settings, output);
    }
    let mut options = Options::from_settings(&settings)?;
    options.is_for_dev = true;
    start_logging(&options.log, options.log_format, output.notes_have_colours())?;
    make_directory(&options.data)?;
    let platform_key = match &options.platform_key {
        Some(given) => given.clone(),
        None => own_platform_key(&options.data)?,
    };
    options.platform_key = Some(platform_key.clone());
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let server = Server::start(options).await?;
    let url = Url::parse(&format!("{scheme}://{}", reached_at(server.address())))
        .map_err(|error| CliError::usage(error.to_string()))?;
    let ready = async {
        let profile = make_profile(&url, platform_key.reveal()).await?;
        let page = page_link(&client(&url, platform_key.reveal())?, profile.team).await?;
        tell(&profile, &page, output)
    };
    let (serving, ready) = (server.run(shutdown), ready);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        ready = ready => ready?,
    }
    Ok(serving.await?)
}

/// Where clients on this machine find a server that listens on `address`, which may stand for every address.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, address.port())
}

/// Makes the data directory, if there is none. It often lies in a project's, whose history must never hold it.
fn make_directory(data: &Path) -> Result<(), CliError> {
    let unusable =
        |path: &Path, error: &std::io::Error| CliError::usage(format!("{}: {error}", path.display()));
    if let Some(parent) = data.parent() {
        std::fs::create_dir_all(parent).map_err(|error| unusable(parent, &error))?;
    }
    match DirBuilder::new().mode(PRIVATE_MODE).create(data) {
        Ok(()) => std::fs::write(data.join(".gitignore"), "*\n").map_err(|error| unusable(data, &error)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(data, &error)),
    }
}

/// The platform key of this data directory, made at the first start. It is kept in the clear, for this machine's owner
/// alone: the profile holds a key just the same.
fn own_platform_key(data: &Path) -> Result<SecretSetting, CliError> {
    let path = data.join(PLATFORM_KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(SecretSetting::new(key.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = format!("csp_{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
            profile::write_private(&path, &key)?;
            Ok(SecretSetting::new(key))
        }
        Err(error) => Err(CliError::usage(format!("{}: {error}", path.display()))),
    }
}

/// The profile `dev`, made anew unless the one that is there works.
async fn make_profile(url: &Url, platform_key: &str) -> Result<Profile, CliError> {
    let path = profile::path()?;
    let mut profiles = Profiles::read(&path)?;
    if let Some(known) = profiles.get(profile::DEV) {
        let known = Profile { url: url.to_string(), ..known.clone() };
        if works(url, &known).await {
            profiles.set(profile::DEV, known.clone());
            profiles.write(&path)?;
            return Ok(known);
        }
    }
    let platform = client(url, platform_key)?;
    let team = dev_team(&platform).await?;
    let key = CreateKey { name: NAME.to_owned(), scopes: Scope::ALL.to_vec(), types: None, expires_at: None };
    let key = platform.team(team).keys().create(&key).await?;
    let profile = Profile { url: url.to_string(), key: key.key.reveal().to_owned(), team: Some(team) };
    profiles.set(profile::DEV, profile.clone());
    profiles.write(&path)?;
    Ok(profile)
}

/// The team that an earlier start made, or a new one.
async fn dev_team(platform: &Client) -> Result<TeamId, CliError> {
    let mut pages = platform.teams().list();
    while let Some(page) = pages.next_page().await? {
        if let Some(known) = page.data.iter().find(|team| team.name == NAME) {
            return Ok(known.id);
        }
    }
    Ok(platform.teams().create(&CreateTeam { name: NAME.to_owned(), id: None }).await?.id)
}

/// Signs this developer in to the settings page, once, for all that there is.
async fn page_link(platform: &Client, team: Option<TeamId>) -> Result<String, CliError> {
    let team = match team {
        Some(team) => team,
        None => dev_team(platform).await?,
    };
    let asked = CreatePortalLink { scopes: Some(Scope::ALL.to_vec()), ttl_seconds: Some(LINK_SECONDS) };
    Ok(platform.teams().portal_link(team, &asked).await?.url.reveal().to_owned())
}

async fn works(url: &Url, profile: &Profile) -> bool {
    let (Ok(client), Some(team)) = (client(url, &profile.key), profile.team) else { return false };
    client.team(team).webhooks().list().limit(1).next_page().await.is_ok()
}

fn client(url: &Url, key: &str) -> Result<Client, CliError> {
    Ok(Client::new(Config::new(url.clone(), KeySource::fixed(key)))?)
}

fn tell(profile: &Profile, page: &str, output: Output) -> Result<(), CliError> {
    let team = profile.team.as_ref().map_or_else(String::new, TeamId::to_string);
    if output.json {
        let ready = serde_json::json!({"told": "ready", "url": profile.url, "team": team, "profile": NAME, "page": page});
        return output.line(&ready.to_string());
    }
    output.line(&format!(
        "{GOOD}Ready.{GOOD:#} cStar is at {STRONG}{}{STRONG:#}\n  team     {team}\n  profile  {NAME}  {DIM}(its key is in the profile; no flag or login is needed){DIM:#}\n  page     {page}  {DIM}(signs you in, once){DIM:#}\n\nTry, in two other terminals:\n  cstar listen --forward-to http://localhost:3000/webhook\n  cstar trigger ticket.created",
        profile.url
    ))
}
