//! The operations of notices.

use cstar_wire as wire;
use cstar_wire::Code;
use http::Method;

use super::operation::{Needs, Operation, op};
use super::operations::PAGE;

/// Its operations.
pub(super) fn all() -> Vec<Operation> {
    const NOTICES: &str = "/v1/notices";
    let of = |method, path, id, summary| op(method, path, id, "Notices", summary, Needs::Platform);
    vec![
        of(
            Method::POST,
            NOTICES,
            "createNoticeWebhook",
            "Register a URL that hears, signed, what the server does by itself",
        )
        .body::<wire::CreateNoticeWebhook>()
        .answers::<wire::CreatedNoticeWebhook>(201, "The URL and its secret, which no other answer shows.")
        .refuses(&[
            Code::BlockedTarget,
            Code::InvalidPattern,
            Code::UnknownEventType,
            Code::TooManyWebhooks,
        ]),
        of(Method::GET, NOTICES, "listNoticeWebhooks", "The URLs that hear notices, newest first")
            .taking(&PAGE)
            .answers::<wire::List<wire::NoticeWebhook>>(200, "A page of URLs."),
        of(
            Method::DELETE,
            "/v1/notices/{notice}",
            "deleteNoticeWebhook",
            "Delete a URL that hears notices; what waits for it is cancelled",
        )
        .answers_nothing()
        .refuses(&[Code::NotFound]),
        of(
            Method::POST,
            "/v1/notices/{notice}/test",
            "testNoticeWebhook",
            "Send an example of a notice now, as a test event, and see what comes of it",
        )
        .body::<wire::TestNoticeWebhook>()
        .answers::<wire::Attempt>(200, "The attempt, whether it succeeded or not.")
        .refuses(&[Code::NotFound, Code::UnknownEventType, Code::Conflict]),
    ]
}
