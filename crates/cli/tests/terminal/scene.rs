//! A server with a team, and a developer whose profile leads there.

use cstar_client::{Client, Config, KeySource, TeamClient, Url};
use cstar_testkit::{CstarProcess, PLATFORM_KEY, Team};
use cstar_types::Scope;
use cstar_wire::CreatedKey;

use crate::home::Home;

pub(crate) struct Scene {
    pub(crate) cstar: CstarProcess,
    /// The team, spoken to with the platform key.
    pub(crate) team: Team,
    /// A key of the team that may do everything; the profile `dev` holds it.
    pub(crate) key: CreatedKey,
    pub(crate) home: Home,
}

impl Scene {
    /// A server as it comes.
    pub(crate) async fn set() -> Self {
        Self::with(crate::cstar()).await
    }

    /// This server.
    pub(crate) async fn with(mut cstar: CstarProcess) -> Self {
        cstar.start().await;
        let team = Team::create(&cstar.http()).await;
        let scopes: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        let key = team.key(&scopes, &["*"]).await;
        let scene = Self { cstar, team, key, home: Home::new() };
        scene.home.call(&scene.cstar.address().to_string(), "SERVER");
        scene.home.call(&scene.team.id.to_string(), "TEAM");
        scene.home.write(".config/cstar/profiles.toml", &scene.profile("dev", scene.key.key.reveal()));
        scene
    }

    /// A profile that leads to this server and team.
    pub(crate) fn profile(&self, name: &str, key: &str) -> String {
        format!("[profile.{name}]\nurl = \"{}\"\nkey = \"{key}\"\nteam = \"{}\"\n", self.url(), self.team.id)
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}", self.cstar.address()).parse().expect("an address makes a URL")
    }

    /// A client with this key.
    pub(crate) fn client(&self, key: &str) -> Client {
        Client::new(Config::new(self.url(), KeySource::fixed(key))).expect("a sound configuration")
    }

    /// A client with the platform key.
    pub(crate) fn platform(&self) -> Client {
        self.client(PLATFORM_KEY)
    }

    /// A client of the team, with its key.
    pub(crate) fn team_client(&self) -> TeamClient {
        self.client(self.key.key.reveal()).team(self.team.id)
    }
}
