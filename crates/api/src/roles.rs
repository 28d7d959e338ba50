//! What is answered here: of several nodes that share a store, each may do a part of the work.

use std::sync::Arc;

use axum::extract::State;
use axum::middleware::Next;
use cstar_wire::Code;

use crate::Options;
use crate::error::{ApiError, ApiResult};
use crate::shared::Shared;

/// Who answers a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// Every node.
    Everyone,
    /// Those that hold streams: a node knows of its own alone.
    Realtime,
    /// Those with the role `api`.
    Api,
}

/// Refuses what another node answers.
pub(crate) async fn answers_here(
    State(shared): State<Arc<Shared>>,
    request: axum::extract::Request,
    next: Next,
) -> ApiResult {
    let Options { serves_api, serves_streams, .. } = *shared.options();
    match who_answers(request.uri().path()) {
        Answers::Api if !serves_api => Err(elsewhere("api")),
        Answers::Realtime if !serves_streams => Err(elsewhere("realtime")),
        _ => Ok(next.run(request).await),
    }
}

fn elsewhere(role: &str) -> ApiError {
    ApiError::new(Code::WrongNode, format!("this node is without the role `{role}`; ask one that has it"))
}

fn who_answers(path: &str) -> Answers {
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return Answers::Everyone;
    }
    let of_team = path.strip_prefix("/v1/teams/").and_then(|rest| rest.split_once('/'));
    match of_team {
        Some((_, "realtime" | "realtime/streams")) => Answers::Realtime,
        Some((_, rest)) if rest.starts_with("realtime/streams/") => Answers::Realtime,
        _ => Answers::Api,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_answered_by_one_role() {
        for (path, who) in [
            ("/healthz", Answers::Everyone),
            ("/readyz", Answers::Everyone),
            ("/metrics", Answers::Everyone),
            ("/v1/teams/a/realtime", Answers::Realtime),
            ("/v1/teams/a/realtime/streams", Answers::Realtime),
            ("/v1/teams/a/realtime/streams/b", Answers::Realtime),
            ("/v1/teams/a/realtime/tokens", Answers::Api),
            ("/v1/teams/a/events", Answers::Api),
            ("/v1/teams/realtime", Answers::Api),
            ("/openapi.json", Answers::Api),
            ("/", Answers::Api),
            ("/metrics/", Answers::Api),
        ] {
            assert_eq!(who_answers(path), who, "{path}");
        }
    }
}
