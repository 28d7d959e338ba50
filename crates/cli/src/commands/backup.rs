//! `cstar backup` and `cstar restore`.

use std::path::{Path, PathBuf};

use cstar_server::offline::{self, Manifest, Restored, Verified};
use serde::Serialize;

use super::blocking;
use crate::args::{Backup, Global, Restore, WITHOUT_SERVER, refuse_flags_of_clients};
use crate::context::Context;
use crate::exit::CliError;
use crate::new_file::NewFile;
use crate::output::Output;
use crate::progress::{Progress, size};

/// What was written.
#[derive(Serialize)]
struct Written<'a> {
    file: &'a Path,
    bytes: u64,
    #[serde(flatten)]
    verified: Verified,
}

/// Writes a backup, and reads it again before it gets its name.
pub(crate) async fn back_up(global: &Global, asked: Backup, output: Output) -> Result<(), CliError> {
    let Backup { file: path, data } = asked;
    if data.is_some() {
        refuse_flags_of_clients(global, WITHOUT_SERVER)?;
    }
    let mut file = NewFile::create(&path)?;
    let bytes = match data {
        None => download(global, &mut file).await?,
        Some(data) => copy(data, &mut file).await?,
    };
    let part = file.part().to_owned();
    let verified = blocking(move || {
        let mut progress = Progress::of("read again");
        Ok(offline::verify(&part, &mut |done, of| progress.bytes(done, Some(of)))?)
    });
    let verified = verified.await?;
    file.keep()?;
    let (made_at, is_of_database) = (verified.made_at(), matches!(verified, Verified::Database(_)));
    output.thing(&Written { file: &path, bytes, verified })?;
    output.note(&format!("{}: everything that was stored before {made_at}", size(bytes)));
    output.note(
        "The master key is not in it: keep a copy of the key elsewhere, or the backup cannot be restored.",
    );
    if is_of_database {
        let path = path.display();
        output.note(&format!(
            "It is restored into an empty database: `psql --set ON_ERROR_STOP=1 --file {path} DATABASE`"
        ));
    }
    Ok(())
}

async fn download(global: &Global, file: &mut NewFile) -> Result<u64, CliError> {
    let mut backup = Context::find(global)?.client()?.backup().await?;
    let (mut progress, mut bytes) = (Progress::of("written"), 0);
    while let Some(piece) = backup.next().await? {
        file.write(&piece)?;
        bytes += piece.len() as u64;
        progress.bytes(bytes, backup.bytes());
    }
    Ok(bytes)
}

async fn copy(data: PathBuf, file: &mut NewFile) -> Result<u64, CliError> {
    let mut backup = blocking(move || Ok(offline::back_up(&data)?)).await?;
    let (mut progress, mut bytes, of) = (Progress::of("written"), 0, backup.bytes());
    loop {
        // Piece by piece, so that an interrupt in between removes what is not whole.
        let (piece, rest) = blocking(move || Ok((backup.next().transpose()?, backup))).await?;
        let Some(piece) = piece else { return Ok(bytes) };
        file.write(&piece)?;
        bytes += piece.len() as u64;
        progress.bytes(bytes, Some(of));
        backup = rest;
    }
}

/// For what nodes share.
const OF_DATABASE: &str =
    "restore the copy of one with `psql --set ON_ERROR_STOP=1 --file FILE DATABASE`, into an empty one";

/// What was restored.
#[derive(Serialize)]
struct Back<'a> {
    data: &'a Path,
    epoch: u32,
    backup: Manifest,
}

/// Makes a data directory of a backup.
pub(crate) async fn restore(global: &Global, asked: Restore, output: Output) -> Result<(), CliError> {
    let place = asked.place.place(global, output, OF_DATABASE)?;
    let data = place.data.clone();
    let restored = blocking(move || {
        let mut progress = Progress::of("restored");
        Ok(offline::restore(&place, &asked.file, &mut |done, of| progress.bytes(done, Some(of)))?)
    });
    let Restored { manifest, epoch } = restored.await?;
    let made_at = manifest.made_at;
    output.thing(&Back { data: &data, epoch, backup: manifest })?;
    for line in [
        format!("Everything that was stored before {made_at} is back. What was stored later is lost, and what was revoked, \
                 disabled or deleted later is as it was before."),
        "What was pending is due again: receivers can get it a second time, under the same `x-cstar-delivery`.".to_owned(),
        format!("Positions begin with {epoch} from now on: streams that come back are told a gap, `restored`, and go on."),
        format!("Start it with the same master key: `cstar serve --data {}`", data.display()),
    ] {
        output.note(&line);
    }
    Ok(())
}
