//! The operations of the audit log.

use cstar_types::{AuditAction, Scope};
use cstar_wire as wire;
use http::Method;

use super::operation::{Needs, Operation, Parameter, op};
use super::operations::{PAGE, SINCE, UNTIL, scope, text};
use super::schemas::Schemas;

/// Its operations.
pub(super) fn all() -> Vec<Operation> {
    const ACTION: Parameter =
        Parameter("query", "action", "Only of this kind.", Schemas::answer::<AuditAction>);
    const ACTOR: Parameter =
        Parameter("query", "actor", "Only by this one: `platform`, or the id of a key.", text);
    let of = |path, id, summary, needs| {
        op(Method::GET, path, id, "Audit", summary, needs)
            .taking(&PAGE)
            .taking(&[ACTION, ACTOR, SINCE, UNTIL])
            .answers::<wire::List<wire::AuditEntry>>(200, "A page of changes.")
    };
    vec![
        of(
            "/v1/teams/{team}/audit",
            "listAudit",
            "What was changed in a team, by whom and from where, newest first",
            scope(Scope::AuditRead),
        ),
        of(
            "/v1/audit",
            "listAllAudit",
            "What was changed in any team, deleted ones too, and in what they share, newest first",
            Needs::Platform,
        ),
    ]
}
