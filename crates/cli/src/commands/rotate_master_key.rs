//! `cstar rotate-master-key`.

use std::path::Path;

use cstar_server::offline::{self, Rotated};
use serde::Serialize;

use super::blocking;
use crate::args::{Global, RotateMasterKey};
use crate::exit::CliError;
use crate::output::Output;

/// For what nodes share.
const OF_DATABASE: &str =
    "a database keeps the master key that it began with; change that of a directory before `cstar move`";

/// What became of the key.
#[derive(Serialize)]
struct Changed<'a> {
    data: &'a Path,
    master_key: &'a str,
    key_file: &'a Path,
    old_key_file: Option<&'a Path>,
    webhooks: Option<u64>,
}

/// Encrypts all secrets with another master key.
pub(crate) async fn run(global: &Global, asked: RotateMasterKey, output: Output) -> Result<(), CliError> {
    let place = asked.place.place(global, output, OF_DATABASE)?;
    let data = place.data.clone();
    let is_beside = asked.new_key_file.is_some();
    let rotated = blocking(move || Ok(offline::rotate_master_key(&place, asked.new_key_file.as_deref())?));
    let Rotated { key_file, master_key, old_key_file, webhooks } = rotated.await?;
    output.thing(&Changed {
        data: &data,
        master_key: &master_key,
        key_file: &key_file,
        old_key_file: old_key_file.as_deref(),
        webhooks,
    })?;
    if webhooks.is_none() {
        output.note("The secrets were encrypted with this key before.");
    }
    output.note("The old key opens nothing here any more. Backups made under it still need it: keep it for as long as them.");
    if let Some(kept) = old_key_file {
        output
            .note(&format!("It is in {}: put it where your keys are, and remove it there.", kept.display()));
    }
    if is_beside {
        output.note(&format!(
            "From now on start the server with `--master-key-file {}`, or with what stands there as CSTAR_MASTER_KEY.",
            key_file.display()
        ));
    }
    Ok(())
}
