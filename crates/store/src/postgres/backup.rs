//! A copy of everything stored, as a script for `psql`: into an empty database, with the tools that whoever runs a PostgreSQL has.
//!
//! All of it is of one snapshot, so of each log it holds the front (LOG-2), and nobody waits for it. The epoch becomes the time of the
//! restore: positions that were given after the copy was made are not given again (see [`cstar_types::Position`]). What nodes have
//! leased is anybody's there.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use bytes::Bytes;
use cstar_types::Timestamp;
use futures_util::{StreamExt as _, pin_mut};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::copy_file::{Manifest, last_line};
use super::days::{Day, make_script};
use super::fault::Fault;
use super::schema;
use super::store::Postgres;
use super::tx::{Tx, read};
use crate::backup::Taken;
use crate::stored::vault;
use crate::{Backup, StoreError};

/// Every table but that of the nodes.
const TABLES: [&str; 16] = [
    "meta",
    "teams",
    "heads",
    "keys",
    "portal_links",
    "event_types",
    "webhooks",
    "cancellations",
    "failures",
    "events",
    "idempotency",
    "deliveries",
    "due",
    "attempts",
    "audit",
    "operations",
];
/// Read at once.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces between the database and the disk.
const PIECES_WAITING: usize = 16;

/// Makes a copy. It takes room on the disk of this node for as long as it is read.
pub(super) async fn backup(store: &Postgres, taken: Taken, now: Timestamp) -> Result<Backup, StoreError> {
    let (pieces, mut written) = mpsc::channel::<Bytes>(PIECES_WAITING);
    let writer = tokio::task::spawn_blocking(move || {
        let (mut file, mut sum) = (tempfile::tempfile()?, Sha256::new());
        while let Some(piece) = written.blocking_recv() {
            sum.update(&piece);
            file.write_all(&piece)?;
        }
        file.write_all(last_line(sum).as_bytes())?;
        file.rewind()?;
        let bytes = file.metadata()?.len();
        io::Result::Ok((file, bytes))
    });
    let copied: Result<(), StoreError> = read!(store, |tx| copy(&tx, &pieces, now));
    drop(pieces);
    let written = writer.await.map_err(io::Error::other).flatten();
    copied?;
    let (file, bytes) = written.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => StoreError::StorageFull,
        _ => StoreError::Database(format!("the copy cannot be kept until it is read: {error}")),
    })?;
    Ok(Backup::new(bytes, Pieces { file: Some(file), _taken: taken }))
}

async fn copy(tx: &Tx, pieces: &mpsc::Sender<Bytes>, now: Timestamp) -> Result<(), Fault> {
    tx.script("SET LOCAL statement_timeout = 0").await?;
    let manifest = manifest(tx, now).await?;
    say(pieces, format!("{}BEGIN;\n{}\n", manifest.head(), schema::script())).await?;
    let days = "SELECT DISTINCT to_date(right(c.relname, 8), 'YYYYMMDD') - date 'epoch' FROM pg_inherits i
         JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r' AND c.relname ~ '_[0-9]{8}$'";
    for row in tx.rows(days, &[]).await? {
        say(pieces, format!("{};\n", make_script(row.get::<_, Day>(0)))).await?;
    }
    for table in TABLES {
        say(pieces, format!("COPY {table} FROM stdin;\n")).await?;
        let rows = tx.link().copy_out(&format!("COPY (SELECT * FROM {table}) TO STDOUT")).await?;
        pin_mut!(rows);
        while let Some(piece) = rows.next().await {
            send(pieces, piece?).await?;
        }
        say(pieces, "\\.\n".to_owned()).await?;
    }
    // One copy may be restored several times.
    let next = format!("greatest({}, extract(epoch FROM now())::bigint)", tx.open.epoch.saturating_add(1));
    let end = format!(
        "UPDATE meta SET value = substring(int8send({next}) FROM 5) WHERE name = 'epoch';\nCOMMIT;\n"
    );
    say(pieces, end).await
}

async fn manifest(tx: &Tx, now: Timestamp) -> Result<Manifest, Fault> {
    let row = tx.row("SELECT value FROM meta WHERE name = 'probe'", &[]).await?;
    let master_key = row.and_then(|row| vault::key_of(row.get(0)));
    Ok(Manifest {
        cstar: env!("CARGO_PKG_VERSION").to_owned(),
        format: schema::newest(),
        epoch: tx.open.epoch,
        made_at: now,
        master_key: master_key.ok_or_else(|| Fault::damaged("meta", "probe"))?,
    })
}

async fn say(pieces: &mpsc::Sender<Bytes>, text: String) -> Result<(), Fault> {
    send(pieces, text.into()).await
}

/// Whoever writes has stopped only because it could not go on, and says why.
async fn send(pieces: &mpsc::Sender<Bytes>, piece: Bytes) -> Result<(), Fault> {
    pieces.send(piece).await.map_err(|_| Fault::Refused(StoreError::StorageFull))
}

/// What is read of a copy.
struct Pieces {
    /// `None` at the end.
    file: Option<File>,
    _taken: Taken,
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let file = self.file.as_mut()?;
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece) {
            Ok(0) => {
                self.file = None;
                None
            }
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(error) => {
                self.file = None;
                Some(Err(error))
            }
        }
    }
}
