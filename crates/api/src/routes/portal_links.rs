//! `…/portal-links`: links by which the platform lets somebody into a team's settings page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use cstar_store::{LinkDigest, PortalLink};
use cstar_types::{Scope, Scopes};
use cstar_wire as wire;
use http::{HeaderMap, Uri};

use crate::auth::{Access, By, digest, write_secret};
use crate::browser::authority;
use crate::error::{ApiError, ApiResult};
use crate::fields::{Fields, scopes, whole_number};
use crate::query::NoQuery;
use crate::shared::Shared;
use crate::{answer, body};

/// Long enough to follow a link that was just asked for.
const LIFE_DEFAULT: Duration = Duration::from_secs(600);
/// Until tomorrow, for a link that is mailed.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

const PREFIX: &str = "csl_";

/// What the page shows. Not making keys: they would outlive the link's purpose.
const SCOPES: [Scope; 6] = [
    Scope::EventsRead,
    Scope::EventsWrite,
    Scope::WebhooksRead,
    Scope::WebhooksWrite,
    Scope::DeliveriesRead,
    Scope::DeliveriesWrite,
];

/// `POST …/portal-links`
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    access: Access,
    by: By,
    uri: Uri,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> ApiResult {
    access.caller.needs_platform()?;
    let body = shared.intake.read(&headers, body, body::CONTROL_MAX_BYTES).await?;
    let mut fields = Fields::read(&body)?;
    let asked = fields.optional("scopes", scopes);
    let life = fields.optional("ttl_seconds", whole_number(1..=LIFE_MAX.as_secs()));
    fields.finish(Some(()))?;
    let page = page_url(&shared, &uri, &headers)?;
    let secret = write_secret(PREFIX, rand::random());
    let now = shared.now();
    let link = PortalLink {
        digest: digest(secret.reveal()),
        team: access.team,
        scopes: asked.unwrap_or_else(|| Scopes::from_iter(SCOPES)),
        created_at: now,
        expires_at: now.plus(life.map_or(LIFE_DEFAULT, Duration::from_secs)),
    };
    let expires_at = link.expires_at;
    shared.by(&by).create_link(link).await?;
    // Behind the `#`, which browsers send to nobody: no proxy and no log on the way sees it (SEC-3).
    let url = wire::ShownOnce::new(format!("{page}#{}", secret.reveal()));
    Ok(answer::created(&wire::CreatedPortalLink { url, expires_at }))
}

/// By what the store knows a link that was shown; `None` for what cannot be one.
pub(super) fn digest_of(link: &str) -> Option<LinkDigest> {
    link.starts_with(PREFIX).then(|| digest(link))
}

/// Where the page is for those who follow the link: at the public URL, or else where the platform found this server.
fn page_url(shared: &Shared, uri: &Uri, headers: &HeaderMap) -> ApiResult<String> {
    let options = shared.options();
    if let Some(public) = &options.public_url {
        return Ok(format!("{}/portal", public.as_str().trim_end_matches('/')));
    }
    let authority = authority(uri, headers)
        .ok_or_else(|| ApiError::malformed_header("send `host`, or set --public-url"))?;
    let (host, port) =
        (authority.host(), authority.port().map_or_else(String::new, |port| format!(":{port}")));
    let scheme = if options.secure_cookies { "https" } else { "http" };
    Ok(format!("{scheme}://{host}{port}/portal"))
}
