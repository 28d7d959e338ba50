//! `…/audit` and `/v1/audit`: who changed what, when, from where.
//!
//! The scope alone decides who reads a team's: what was changed is not cut by patterns, or else whoever may look into changes
//! would not see the ones that matter.

use std::sync::Arc;

use axum::extract::State;
use cstar_store::AuditQuery;
use cstar_types::{AuditId, Scope, TeamId};
use cstar_wire::AuditEntry;

use crate::answer;
use crate::auth::{Access, Caller};
use crate::error::ApiResult;
use crate::page::{self, Range};
use crate::query::Query;
use crate::shared::Shared;

const PARAMETERS: [&str; 7] = ["limit", "after", "before", "action", "actor", "since", "until"];

/// `GET …/audit`
pub(super) async fn of_team(State(shared): State<Arc<Shared>>, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::AuditRead)?;
    list(&shared, Some(access.team), query).await
}

/// `GET /v1/audit`: of every team, and of what all share.
pub(super) async fn of_all(State(shared): State<Arc<Shared>>, caller: Caller, query: Query) -> ApiResult {
    caller.needs_platform()?;
    list(&shared, None, query).await
}

async fn list(shared: &Shared, team: Option<TeamId>, query: Query) -> ApiResult {
    let query = query.only(&PARAMETERS)?;
    let Range { after, before, limit } = Range::<AuditId>::of(&query)?;
    let wanted = AuditQuery {
        team,
        action: query.get("action", str::parse)?,
        actor: query.get("actor", str::parse)?,
        since: query.instant("since")?,
        until: query.instant("until")?,
        from: after,
        limit,
    };
    let page = shared.store().audit(wanted).await?;
    let reached = |id: AuditId| before.is_some_and(|before| id <= before);
    let mut page = page::end_before(page, |entry| reached(entry.id));
    // Rows that the filter left out may lie past the end as well.
    page.next = page.next.filter(|next| !reached(*next));
    Ok(answer::ok(&page::list(page, AuditEntry::from)))
}
