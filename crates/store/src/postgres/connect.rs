//! From a URL to a database that can be used, or to what must be done before.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::fault::{Fault, in_full, is_away};
use super::nodes;
use super::options::Options;
use super::pool::{Connections, Link};
use super::schema;
use super::servers::{self, Unreached, place};
use crate::StoreError;
use crate::stored::vault::{Sealed, Shut, Vault};

/// The first life of a store.
const FIRST_EPOCH: u32 = 1;
/// Known text, sealed, by which a wrong master key is noticed.
const PROBE: &[u8] = b"cstar";

/// What a start finds, or makes.
pub(super) struct Begun {
    pub(super) epoch: u32,
    pub(super) node: i64,
    /// A connection that is not one of the pool's.
    pub(super) link: Link,
}

/// Looks at the database, brings it to the present version, and takes its place among the nodes.
pub(super) async fn begin(
    connections: &Connections,
    options: &Options,
    vault: &Vault,
) -> Result<Begun, StoreError> {
    let link = reach(connections, options).await?;
    let begun = begin_over(&link, options, vault).await;
    let (epoch, node) = begun.map_err(|fault| at_start(options, fault))?;
    Ok(Begun { epoch, node, link })
}

/// A connection to a database that can be used, whatever is in it.
pub(super) async fn reach(connections: &Connections, options: &Options) -> Result<Link, StoreError> {
    connections.manager().connect().await.map_err(|unreached| unreachable(options, unreached))
}

/// What it means that there is no connection.
fn unreachable(options: &Options, Unreached { server, fault }: Unreached) -> StoreError {
    match fault {
        Fault::Postgres(error) => unusable(options, &server, &error),
        Fault::Away(why) => silent(&server, &why),
        Fault::Elsewhere(why) if servers::count(&options.config) > 1 => {
            let all = place(&options.config);
            StoreError::Unreachable(format!(
                "cannot reach a server for the store's writes, of {all}: {server}: {why}"
            ))
        }
        Fault::Elsewhere(why) => {
            StoreError::Unusable(format!("the database at {server} cannot be used: {why}"))
        }
        fault => fault.into(),
    }
}

fn silent(server: &str, why: &str) -> StoreError {
    StoreError::Unreachable(format!(
        "cannot reach the database at {server}: check that it runs, and its address in the URL ({why})"
    ))
}

/// What a fault means before anybody works with the store.
pub(super) fn at_start(options: &Options, fault: Fault) -> StoreError {
    match fault {
        Fault::Postgres(error) => unusable(options, &place(&options.config), &error),
        Fault::Away(why) => StoreError::Unreachable(format!("the connection to the database broke: {why}")),
        fault => fault.into(),
    }
}

async fn begin_over(link: &Link, options: &Options, vault: &Vault) -> Result<(u32, i64), Fault> {
    warn_of_missing_checksums(link).await?;
    schema::migrate(link).await?;
    let epoch = begin_meta(link, vault).await?;
    Ok((epoch, nodes::begin(link, options.lease).await?))
}

async fn warn_of_missing_checksums(link: &Link) -> Result<(), Fault> {
    let row = link.row("SELECT current_setting('data_checksums')", &[]).await?;
    if row.is_some_and(|row| row.get::<_, &str>(0) == "off") {
        tracing::warn!(
            "the database has no page checksums, so damage to what is stored may go unnoticed: pg_checksums --enable"
        );
    }
    Ok(())
}

/// What the database says of itself, unless it does already.
pub(super) async fn keep_meta(link: &Link, vault: &Vault, epoch: u32) -> Result<(), Fault> {
    const KEEP: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    let keep =
        async |name: &str, value: &[u8]| link.run(KEEP, &[(&name, Type::TEXT), (&value, Type::BYTEA)]).await;
    keep("epoch", &epoch.to_be_bytes()).await?;
    keep("probe", &vault.seal(Sealed::Probe, PROBE)).await?;
    Ok(())
}

/// The rows that every database has, made if this one is new. Another node may be making them: of the operator's row either key may
/// be the one that is found taken.
async fn begin_meta(link: &Link, vault: &Vault) -> Result<u32, Fault> {
    keep_meta(link, vault, FIRST_EPOCH).await?;
    link.run(
        "WITH made AS (
             INSERT INTO teams (number, id, state, name, version, created_ms, webhooks, removed_events)
             VALUES (0, '00000000-0000-0000-0000-000000000000', 0, 'operator', 1, 0, 0, 0)
             ON CONFLICT DO NOTHING RETURNING number
         ) INSERT INTO heads (team, version, seq, delivery, last_ms) SELECT number, 0, 0, 0, 0 FROM made",
        &[],
    )
    .await?;
    let meta = async |name: &str| {
        let row = link.row("SELECT value FROM meta WHERE name = $1", &[(&name, Type::TEXT)]).await?;
        row.map(|row| row.get::<_, Vec<u8>>(0)).ok_or_else(|| Fault::damaged("meta", name))
    };
    match vault.open(Sealed::Probe, &meta("probe").await?) {
        Ok(_) => {}
        Err(Shut::OtherKey) => return Err(StoreError::OtherMasterKey.into()),
        Err(Shut::Damaged) => return Err(Fault::damaged("meta", "probe")),
    }
    let epoch = meta("epoch").await?.try_into().map_err(|_| Fault::damaged("meta", "epoch"))?;
    Ok(u32::from_be_bytes(epoch))
}

/// What to do about a database that does not let us in.
fn unusable(options: &Options, place: &str, error: &Error) -> StoreError {
    let user = options.config.get_user().unwrap_or_default();
    let why = in_full(error);
    let Some(state) = error.code().filter(|state| !is_away(state)) else { return silent(place, &why) };
    StoreError::Unusable(match state {
        state if state.code().starts_with("28") => {
            format!(
                "the database at {place} does not let {user:?} in: check the user and the password in its URL ({why})"
            )
        }
        state if *state == SqlState::INVALID_CATALOG_NAME => {
            format!("there is no such database at {place}: create it, or correct its name in the URL ({why})")
        }
        state if *state == SqlState::INSUFFICIENT_PRIVILEGE => {
            format!(
                "{user:?} may not do what the store needs in the database at {place}: make it its owner ({why})"
            )
        }
        _ => format!("the database at {place} cannot be used: {why}"),
    })
}
