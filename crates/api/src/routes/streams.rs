//! `…/realtime/streams`: who listens, how far behind, and an end to it. A key knows of no stream that sees more than itself
//! (SEC-2).

use std::sync::Arc;

use axum::extract::State;
use cstar_store::Page;
use cstar_types::{AuditAction, Scope, StreamId};
use cstar_wire as wire;

use crate::answer;
use crate::auth::{Access, By, PathId};
use crate::error::{ApiError, ApiResult};
use crate::page::{self, Range};
use crate::query::{NoQuery, Query};
use crate::shared::Shared;

/// `GET …/realtime/streams`: those of this process, in the order of their ids, which are random.
pub(super) async fn list(State(shared): State<Arc<Shared>>, access: Access, query: Query) -> ApiResult {
    access.caller.needs(Scope::KeysWrite)?;
    let Range { after, before, limit } = Range::<StreamId>::of(&query.only(&page::PARAMETERS)?)?;
    // With the platform key, the team may be unknown.
    shared.store().team(access.team).await?;
    let mut rows = seen(&shared, &access);
    rows.retain(|stream| {
        after.is_none_or(|after| stream.id > after) && before.is_none_or(|before| stream.id < before)
    });
    rows.sort_unstable_by_key(|stream| stream.id);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|stream| stream.id);
    Ok(answer::ok(&page::list(Page { rows, next }, shape)))
}

/// `DELETE …/realtime/streams/{stream}`: its client may come back; to keep it away, revoke its key.
pub(super) async fn end(
    State(shared): State<Arc<Shared>>,
    access: Access,
    by: By,
    PathId(id): PathId<StreamId>,
    _: NoQuery,
) -> ApiResult {
    access.caller.needs(Scope::KeysWrite)?;
    let is_seen = seen(&shared, &access).iter().any(|stream| stream.id == id);
    if !is_seen {
        return Err(ApiError::not_found());
    }
    shared.by(&by).put_on_record(AuditAction::StreamEnded, Some(access.team), id.to_string()).await?;
    shared.api.hub.end(access.team, id); // one that has ended meanwhile is where it was wanted
    Ok(answer::no_content())
}

fn seen(shared: &Shared, access: &Access) -> Vec<cstar_realtime::Stream> {
    let mut streams = shared.api.hub.streams(access.team);
    streams.retain(|stream| access.caller.covers(&stream.visible));
    streams
}

fn shape(stream: cstar_realtime::Stream) -> wire::Stream {
    let cstar_realtime::Stream { id, key, types, position, lag, opened_at, .. } = stream;
    wire::Stream { id, key_id: key, types, position, lag, opened_at }
}
