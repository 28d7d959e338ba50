//! Every store is held to the one contract.

mod model {
    use cstar_store::model::Model;

    cstar_store::conformance_suite!(std::sync::Arc<Model>);
}

mod sqlite {
    use std::path::Path;
    use std::sync::Arc;

    use cstar_store::Upkeep as _;
    use cstar_store::conformance::{AnyStore, Subject};
    use cstar_store::sqlite::{MasterKey, Options, SqliteStore};
    use tempfile::TempDir;

    cstar_store::conformance_suite!(OnDisk);

    /// The store, and the directory that it leaves.
    struct OnDisk {
        store: Arc<SqliteStore>,
        dir: TempDir,
    }

    fn open(dir: &Path) -> Arc<SqliteStore> {
        let options = Options::new(dir.join("data"), MasterKey::new([7; 32]));
        Arc::new(SqliteStore::open(options).expect("the directory can be used"))
    }

    #[async_trait::async_trait]
    impl Subject for OnDisk {
        async fn fresh() -> Self {
            let dir = TempDir::new().expect("a directory can be made");
            Self { store: open(dir.path()), dir }
        }

        fn store(&self) -> AnyStore {
            self.store.clone()
        }

        async fn reopened(self) -> Self {
            self.store.close().await;
            Self { store: open(self.dir.path()), dir: self.dir }
        }
    }
}

/// The suite can fail: here it is given a store that breaks LOG-1.
mod a_store_that_forgets {
    use std::sync::Arc;

    use cstar_store::conformance::history::{Config, first_difference};
    use cstar_store::conformance::{AnyStore, Subject, log, results};
    use cstar_store::model::Model;

    /// After a restart it is empty.
    struct Forgetful(Arc<Model>);

    #[async_trait::async_trait]
    impl Subject for Forgetful {
        async fn fresh() -> Self {
            Self(Model::new())
        }

        fn store(&self) -> AnyStore {
            self.0.clone()
        }

        async fn reopened(self) -> Self {
            Self::fresh().await
        }
    }

    /// LOG-1
    #[tokio::test]
    #[should_panic(expected = "NotFound")]
    async fn breaks_the_rule_of_the_log() {
        log::what_was_answered_is_read_byte_for_byte(Forgetful::fresh().await).await;
    }

    /// DLV-3
    #[tokio::test]
    #[should_panic(expected = "assertion")]
    async fn breaks_the_rule_of_deliveries() {
        results::after_a_restart_the_unrecorded_is_due_again(Forgetful::fresh().await).await;
    }

    /// L0: a short history shows it.
    #[test]
    fn does_not_play_like_the_model() {
        let config = Config { failure_persistence: None, ..Config::default() };
        let difference = first_difference::<Forgetful>(config).expect("forgetting everything is found");
        assert!(difference.contains("model: Ok"), "{difference}");
    }
}
