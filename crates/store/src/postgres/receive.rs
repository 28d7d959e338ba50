//! An empty database that receives all of another store, in one transaction.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, pin_mut};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::connect::{at_start, keep_meta, reach};
use super::days::{Day, make_script};
use super::fault::Fault;
use super::options::Options;
use super::pool::{self, Link};
use super::schema;
use crate::StoreError;
use crate::stored::vault::Vault;

/// Nobody else works here, and a table takes as long as it takes.
const WITHOUT_HASTE: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// A transaction that has made the tables. Dropped before its commit, it leaves the database empty.
pub(crate) struct Receiving {
    link: Link,
    options: Options,
}

impl Receiving {
    /// Takes an empty database, for a store of this epoch whose rows are of these days.
    ///
    /// # Errors
    /// `Unusable` if it cannot be used or is not empty.
    pub(crate) async fn begin(options: &Options, epoch: u32, days: &[Day]) -> Result<Self, StoreError> {
        let link = reach(&pool::pool(options)?, options).await?;
        let vault = Vault::new(options.master_key.clone());
        let begun = begin(&link, &vault, epoch, days).await;
        begun.map_err(|fault| at_start(options, fault))?;
        Ok(Self { link, options: options.clone() })
    }

    /// Takes rows in, from a `COPY` in pieces.
    pub(crate) async fn take(
        &self,
        sql: String,
        mut pieces: mpsc::Receiver<Bytes>,
    ) -> Result<(), StoreError> {
        let taken = async {
            let rows = self.link.copy_in(&sql).await?;
            pin_mut!(rows);
            while let Some(piece) = pieces.recv().await {
                rows.send(piece).await?;
            }
            rows.finish().await?;
            Ok(())
        };
        taken.await.map_err(|fault| at_start(&self.options, fault))
    }

    /// SHA-256 of what a `COPY` answers.
    pub(crate) async fn sum(&self, sql: String) -> Result<[u8; 32], StoreError> {
        let summed = async {
            let rows = self.link.copy_out(&sql).await?;
            pin_mut!(rows);
            let mut sum = Sha256::new();
            while let Some(piece) = rows.next().await {
                sum.update(piece?);
            }
            Ok(sum.finalize().into())
        };
        summed.await.map_err(|fault| at_start(&self.options, fault))
    }

    /// Keeps all of it, and has the database learn what there is.
    ///
    /// # Errors
    /// `OutcomeUnknown` if the connection broke meanwhile.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.link.commit().await.map_err(|fault| at_start(&self.options, fault))?;
        if let Err(fault) = self.link.script("ANALYZE").await {
            tracing::warn!(?fault, "the database has no statistics of its new tables yet: run ANALYZE");
        }
        Ok(())
    }
}

async fn begin(link: &Link, vault: &Vault, epoch: u32, days: &[Day]) -> Result<(), Fault> {
    schema::begin_empty(link).await?;
    link.script(WITHOUT_HASTE).await?;
    keep_meta(link, vault, epoch).await?;
    for day in days {
        link.script(&make_script(*day)).await?;
    }
    Ok(())
}
