//! Which path is answered by what.

mod audit;
mod backup;
mod deliveries;
mod event_types;
mod events;
mod health;
mod keys;
mod notices;
mod operations;
mod pages;
mod portal_links;
mod publish;
mod session;
mod short;
mod streams;
mod teams;
mod tokens;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use cstar_wire::Code;
use http::HeaderMap;
use http::header::ACCEPT;

pub(crate) use self::short::ShortWay;
pub(crate) use self::webhooks::Counted;
use crate::error::{ApiError, ApiResult};
use crate::shared::Shared;
use crate::{auth, browser, edge, roles, stream};

/// The whole API, and beside it the pages of whoever serves it.
pub(crate) fn router(shared: Arc<Shared>, pages: Router) -> Router {
    let router = json_routes()
        .merge(other_routes())
        .merge(pages.with_state(()))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), auth::guard))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), roles::answers_here));
    let router = match shared.options().origins.cors() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let proxies = Arc::new(shared.options().trusted_proxies.clone());
    router
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), browser::check_host))
        .layer(middleware::from_fn_with_state(proxies, edge::edge))
        .with_state(shared)
}

fn json_routes() -> Router<Arc<Shared>> {
    let team = "/v1/teams/{team}";
    let of_team = |rest: &str| format!("{team}/{rest}");
    Router::new()
        .route("/v1/teams", get(teams::list).post(teams::create))
        .route(team, get(teams::one).patch(teams::update).delete(teams::delete))
        .route(&of_team("keys"), get(keys::list).post(keys::create))
        .route(&of_team("keys/{key}"), axum::routing::delete(keys::revoke))
        .route(short::PUBLISH, get(events::list).post(publish::publish))
        .route(&of_team("events/{event}"), get(events::one))
        .route(&of_team("events/{event}/data"), axum::routing::delete(events::erase))
        .route(&of_team("events/{event}/resend"), post(deliveries::deliver))
        .route(&of_team("realtime/tokens"), post(tokens::create))
        .route(&of_team("realtime/streams"), get(streams::list))
        .route(&of_team("realtime/streams/{stream}"), axum::routing::delete(streams::end))
        .route(&of_team("webhooks"), get(webhooks::list).post(webhooks::create))
        .route(
            &of_team("webhooks/{webhook}"),
            get(webhooks::one).patch(webhooks::update).delete(webhooks::delete),
        )
        .route(&of_team("webhooks/{webhook}/secret"), post(webhooks::rotate))
        .route(&of_team("webhooks/{webhook}/stats"), get(webhooks::stats))
        .route(&of_team("webhooks/{webhook}/test"), post(webhooks::test))
        .route(&of_team("webhooks/{webhook}/secret/previous"), axum::routing::delete(webhooks::end_overlap))
        .route(&of_team("deliveries"), get(deliveries::list))
        .route(&of_team("deliveries/resend"), post(operations::resend))
        .route(&of_team("deliveries/{delivery}"), get(deliveries::one))
        .route(&of_team("deliveries/{delivery}/resend"), post(deliveries::resend))
        .route(&of_team("webhooks/{webhook}/recover"), post(operations::recover))
        .route(&of_team("operations"), get(operations::list))
        .route(&of_team("portal-links"), post(portal_links::create))
        .route("/v1/session", post(session::create).get(session::one).delete(session::end))
        .route(&of_team("operations/{operation}"), get(operations::one).delete(operations::cancel))
        .route(&of_team("audit"), get(audit::of_team))
        .route("/v1/audit", get(audit::of_all))
        .route("/v1/notices", get(notices::list).post(notices::create))
        .route("/v1/notices/{notice}", axum::routing::delete(notices::delete))
        .route("/v1/notices/{notice}/test", post(notices::test))
        .route("/v1/event-types", get(event_types::list))
        .route(
            "/v1/event-types/{type}",
            get(event_types::one).put(event_types::put).delete(event_types::delete),
        )
        .route_layer(middleware::from_fn(answers_json))
}

/// Routes whose answers are not JSON, or not only.
fn other_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/teams/{team}/realtime", get(stream::open))
        .route("/v1/backup", post(backup::make))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/errors/{code}", get(pages::page))
        .route("/openapi.json", get(pages::description))
        .route("/docs", get(pages::reference))
}

async fn not_found() -> ApiError {
    ApiError::new(Code::NotFound, "there is no such path")
}

/// The router adds `Allow`.
async fn method_not_allowed() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "the path does not take this method; `allow` lists those that it takes",
    )
}

async fn answers_json(request: Request, next: Next) -> ApiResult {
    takes_answers(request.headers())?;
    Ok(next.run(request).await)
}

/// Refuses requests that take no JSON in answer.
fn takes_answers(headers: &HeaderMap) -> ApiResult<()> {
    if accepts_json(headers) {
        return Ok(());
    }
    Err(ApiError::new(Code::NotAcceptable, "answers are `application/json`; accept it"))
}

/// Whether `Accept` leaves room for JSON. What cannot be read as a list of media ranges rules nothing out.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let nothing_asked = ranges.peek().is_none();
    nothing_asked || ranges.flat_map(|value| value.split(',')).any(takes_json)
}

fn takes_json(range: &str) -> bool {
    let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
    let refused = parameters.split(';').any(|parameter| {
        let quality = parameter.trim().strip_prefix("q=").map(str::parse::<f32>);
        matches!(quality, Some(Ok(quality)) if quality <= 0.0)
    });
    let name = name.trim().to_ascii_lowercase();
    !refused
        && matches!(
            name.as_str(),
            "" | "*/*" | "application/*" | "application/json" | "application/problem+json"
        )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_rules_json_out_is_refused() {
        for (accept, taken) in [
            ("application/json", true),
            ("text/html, */*;q=0.8", true),
            ("Application/*", true),
            ("", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("text/event-stream", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_json(&headers), taken, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
