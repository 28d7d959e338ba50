//! Changing the master key: every secret is encrypted anew, in one transaction.
//!
//! So at every moment all of them open with the one key or all with the other, whatever fails.

use rusqlite::params;

use super::fault::Fault;
use super::look::{Look, Shelf};
use super::meta;
use super::open::{PROBE, try_key};
use super::webhook_rows::WebhookRow;
use crate::stored::vault::{MasterKey, Sealed, Vault};

/// Rows that are read at a time.
const SLICE_ROWS: i64 = 500;

/// What became of a change of the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rekeyed {
    /// So many webhooks have their secrets under the new key.
    Done {
        /// How many.
        webhooks: u64,
    },
    /// They had them before.
    Already,
}

/// Encrypts everything that `from` opens for `to`. `OtherMasterKey` if it is neither that opens it.
pub(super) fn rekey(
    conn: &mut rusqlite::Connection,
    from: &MasterKey,
    to: &MasterKey,
) -> Result<Rekeyed, Fault> {
    let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let probe = meta::probe(&transaction)?.ok_or_else(|| Fault::damaged("meta", meta::PROBE))?;
    let new = Vault::new(to.clone());
    if try_key(&new, &probe).is_ok() {
        return Ok(Rekeyed::Already);
    }
    let old = Vault::new(from.clone());
    try_key(&old, &probe)?;
    let epoch = meta::epoch(&transaction)?.ok_or_else(|| Fault::damaged("meta", meta::EPOCH))?;
    let shelf = Shelf::new(epoch, old);
    let look = Look { conn: &transaction, shelf: &shelf };
    let webhooks = webhooks(look, &new)?;
    meta::set_probe(&transaction, &new.seal(Sealed::Probe, PROBE))?;
    transaction.commit()?;
    Ok(Rekeyed::Done { webhooks })
}

/// Webhooks of deleted teams keep what they have: nobody can ask for it any more, and it is being erased.
fn webhooks(look: Look<'_>, new: &Vault) -> Result<u64, Fault> {
    let (mut done, mut after) = (0, 0);
    loop {
        let numbers = numbers_behind(look, after)?;
        let Some(last) = numbers.last() else { return Ok(done) };
        after = *last;
        for number in numbers {
            let Some(mut row) = look.webhook_numbered(number)? else { continue };
            row.reseal(look, new)?;
            row.save(look)?;
            done += 1;
        }
    }
}

fn numbers_behind(look: Look<'_>, after: i64) -> Result<Vec<i64>, Fault> {
    let mut list =
        look.conn.prepare_cached("SELECT number FROM webhooks WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let numbers = list.query_map(params![after, SLICE_ROWS], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

impl WebhookRow {
    /// Encrypts what is encrypted in it for another master key.
    fn reseal(&mut self, look: Look<'_>, new: &Vault) -> Result<(), Fault> {
        let (team, id) = (self.webhook.team, self.webhook.id);
        let again = |row: &Self, what, sealed: Option<&[u8]>| {
            sealed.map(|sealed| Ok::<_, Fault>(new.seal(what, &row.open(look, what, sealed)?))).transpose()
        };
        self.secret = again(self, Sealed::Secret(team, id), self.secret.as_deref())?;
        self.previous_secret =
            again(self, Sealed::PreviousSecret(team, id), self.previous_secret.as_deref())?;
        self.headers = again(self, Sealed::Headers(team, id), self.headers.as_deref())?;
        Ok(())
    }
}

/// What is sealed, and where it is sealed anew: a further kind has to be added here to compile, and there.
const _: fn(Sealed) = |kind| match kind {
    Sealed::Probe => {}                                                         // `rekey`
    Sealed::Secret(..) | Sealed::PreviousSecret(..) | Sealed::Headers(..) => {} // `WebhookRow::reseal`
};
