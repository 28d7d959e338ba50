//! What a server is and promises. It may be another than the one that the last connection led to, so each new one is asked: in one trip.

use super::fault::Fault;
use super::pool::Link;
use super::timeline::{TIMELINE, Timeline};
use crate::StoreError;

/// The first version that has all that is used here and is still kept up.
const SERVER_LEAST: i32 = 140_000;

const SETTINGS: &str = "SELECT current_setting('server_version_num')::int,
         pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
         current_setting('fsync'), current_setting('synchronous_commit')";

/// Answers what the server writes, if it tells.
pub(super) async fn judge(link: &Link) -> Result<Option<Timeline>, Fault> {
    let (settings, timeline) = tokio::join!(link.row(SETTINGS, &[]), link.row(TIMELINE, &[]));
    let row = settings?.ok_or_else(|| Fault::damaged("settings", "all"))?;
    let (version, read_only): (i32, bool) = (row.get(0), row.get(1));
    let why = if version < SERVER_LEAST {
        format!("the database is PostgreSQL {}: use 14 or later", version / 10_000)
    } else if read_only {
        return Err(Fault::Elsewhere(
            "it takes no writes, as a standby does: give the address of the primary".to_owned(),
        ));
    } else if row.get::<_, &str>(2) == "off" {
        "the database runs with fsync off and forgets what it acknowledged: switch it on".to_owned()
    } else if let waits @ ("off" | "local" | "remote_write") = row.get::<_, &str>(3) {
        format!(
            "the database runs with synchronous_commit {waits} and acknowledges before it has synced, on its standbys too: switch it on"
        )
    } else {
        return Ok(timeline.ok().flatten().as_ref().and_then(Timeline::read));
    };
    Err(StoreError::Unusable(why).into())
}
