//! The operations of the settings page's links and sessions.

use cstar_wire as wire;
use cstar_wire::Code;
use http::Method;

use super::operation::{Needs, Operation, op};

/// Its operations.
pub(super) fn all() -> Vec<Operation> {
    const SESSION: &str = "/v1/session";
    const PAGE: &str = "Settings page";
    vec![
        op(
            Method::POST,
            "/v1/teams/{team}/portal-links",
            "createPortalLink",
            PAGE,
            "Make a link to a team's settings page, good for one session",
            Needs::Platform,
        )
        .body::<wire::CreatePortalLink>()
        .answers::<wire::CreatedPortalLink>(201, "The link, which no other answer shows."),
        op(
            Method::POST,
            SESSION,
            "createSession",
            PAGE,
            "Begin a session with a link or a team's key; sets its cookie",
            Needs::Nothing,
        )
        .body::<wire::CreateSession>()
        .answers::<wire::Session>(201, "The session. Its key stands in the cookie alone.")
        .refuses(&[
            Code::BadQuery,
            Code::MalformedHeader,
            Code::MalformedJson,
            Code::Unauthenticated,
            Code::KeyRevoked,
            Code::TokenExpired,
            Code::LinkInvalid,
            Code::MissingScope,
            Code::CrossOrigin,
            Code::NotFound,
            Code::NotAcceptable,
            Code::TooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidField,
            Code::RateLimited,
            Code::QueueFull,
            Code::ShuttingDown,
            Code::OutcomeUnknown,
            Code::StorageFull,
        ]),
        op(Method::GET, SESSION, "getSession", PAGE, "Whose session it is", Needs::AnyKey)
            .answers::<wire::Session>(200, "The session.")
            .refuses(&[Code::NotFound]),
        op(
            Method::DELETE,
            SESSION,
            "endSession",
            PAGE,
            "Sign out: the session's key is revoked",
            Needs::AnyKey,
        )
        .answers_nothing()
        .refuses(&[Code::NotFound]),
    ]
}
