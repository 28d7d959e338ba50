//! Every store is held to the one contract.

mod model {
    use cstar_store::model::Model;

    cstar_store::conformance_suite!(std::sync::Arc<Model>);
}
