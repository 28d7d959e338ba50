//! A store that several nodes share, and the doorbell between them.

use std::sync::Arc;

use cstar_doorbell::{Doorbell, LineError, Lines, Nats, News};
use cstar_store::StoreError;
use cstar_store::postgres::{self, Postgres};
use cstar_store::sqlite;
use cstar_types::TeamId;
use tokio_util::sync::CancellationToken;

use crate::error::StartError;
use crate::keys::MasterKey;
use crate::options::{SharedStore, is_postgres};
use crate::roles::Roles;

/// The store of several nodes as one of them has it open.
pub(crate) struct Node {
    pub(crate) store: Postgres,
    doorbell: Doorbell,
    lines: Box<dyn Lines>,
}

/// Opens the store with that of the keys which it was encrypted with.
pub(crate) async fn open(
    shared: &SharedStore,
    roles: Roles,
    master_keys: Vec<MasterKey>,
) -> Result<(Node, MasterKey), StartError> {
    for master_key in master_keys {
        match open_with(shared, roles, &master_key).await {
            Err(StartError::Store(StoreError::OtherMasterKey)) => {}
            opened => return opened.map(|node| (node, master_key)),
        }
    }
    Err(StoreError::OtherMasterKey.into())
}

async fn open_with(shared: &SharedStore, roles: Roles, master_key: &MasterKey) -> Result<Node, StartError> {
    let options = |url: &str| {
        let mut options =
            postgres::Options::new(url, sqlite::MasterKey::new(**master_key)).map_err(refused)?;
        options.root_certificate.clone_from(&shared.authority);
        options.lease = shared.lease;
        options.sends = roles.delivery;
        Ok::<_, StartError>(options)
    };
    let mut of_store = options(shared.url.reveal())?;
    let lines: Box<dyn Lines> = match shared.doorbell.as_ref().map(|url| url.reveal()) {
        Some(url) if !is_postgres(url) => Box::new(Nats::new(url, shared.authority.clone())?),
        Some(url) => over_database(&options(url)?)?,
        None => over_database(&of_store)?,
    };
    let doorbell = Doorbell::new();
    of_store.doorbell = Some(Arc::new(Rings(doorbell.clone())));
    let store = Postgres::open(of_store).await.map_err(refused)?;
    Ok(Node { store, doorbell, lines })
}

fn over_database(options: &postgres::Options) -> Result<Box<dyn Lines>, StartError> {
    let (config, tls) = options.connection().map_err(refused)?;
    Ok(Box::new(cstar_doorbell::Postgres::new(config, tls)))
}

/// By what the reader can do about it.
fn refused(error: StoreError) -> StartError {
    match error {
        StoreError::Unusable(what) => StartError::Unusable(what),
        StoreError::Unreachable(what) => StartError::Unreachable(what),
        error => error.into(),
    }
}

impl From<LineError> for StartError {
    fn from(error: LineError) -> Self {
        Self::Unusable(format!("--doorbell: {error}"))
    }
}

impl Node {
    /// Rings and hears until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let Self { store, doorbell, lines } = self;
        let hear = |news| match news {
            News::Reached { team, seq } => store.hear_reached(team, seq),
            News::Changed => store.hear_changed(),
            News::Due => store.hear_due(),
        };
        stop.run_until_cancelled(cstar_doorbell::run(&doorbell, &*lines, hear)).await;
        Ok(())
    }
}

/// The doorbell as the store rings it.
struct Rings(Doorbell);

impl postgres::Doorbell for Rings {
    fn reached(&self, team: TeamId, seq: u64) {
        self.0.ring(News::Reached { team, seq });
    }

    fn changed(&self) {
        self.0.ring(News::Changed);
    }

    fn due(&self) {
        self.0.ring(News::Due);
    }

    fn attend(&self, team: TeamId, wanted: bool) {
        self.0.attend(team, wanted);
    }
}
