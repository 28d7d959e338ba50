//! What is under test.

use std::sync::Arc;

use async_trait::async_trait;

use crate::Store;
use crate::model::Model;

/// Any store, for rules that do not care which.
pub type AnyStore = Arc<dyn Store>;

/// A store under test, and how to open it again.
#[async_trait]
pub trait Subject: Send + Sync + Sized + 'static {
    /// An empty store.
    async fn fresh() -> Self;

    /// The store.
    fn store(&self) -> AnyStore;

    /// The store after a restart: closed, and opened on what it left. One without a disk goes on as it is.
    async fn reopened(self) -> Self;
}

/// The model, held to its own rules.
#[async_trait]
impl Subject for Arc<Model> {
    async fn fresh() -> Self {
        Model::new()
    }

    fn store(&self) -> AnyStore {
        Arc::clone(self) as AnyStore
    }

    async fn reopened(self) -> Self {
        self
    }
}
