//! `GET …/realtime`: the live stream as an answer over HTTP.
//!
//! What the client asks for is read here ([`Asked`]); everything that it is sent comes from `cstar-realtime`.

mod accept;
mod asked;
mod body;
mod handover;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use cstar_realtime::{HangUp, Hub, Subscribe, SubscribeError};
use cstar_store::TypeFilter;
use cstar_types::Scope;
use cstar_wire::Code;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::{Access, Caller};
use crate::error::{ApiError, ApiResult};
use crate::query::Query;
use crate::shared::Shared;
use asked::Asked;
use body::StreamBody;

pub use handover::Handover;

/// Keeps nginx from gathering an answer before it passes it on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Opens a stream.
///
/// Where the server has put a [`HangUp`] among the request's extensions, it cuts the connection when nobody takes what it
/// carries; where it has put a [`Handover`], it takes the stream over.
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    access: Access,
    hang_up: Option<Extension<HangUp>>,
    handover: Option<Extension<Handover>>,
    query: Query,
    headers: HeaderMap,
) -> ApiResult {
    access.caller.needs(Scope::EventsRead)?;
    let asked = Asked::read(query, &headers)?;
    let handover = handover.map(|Extension(handover)| handover);
    answer(&shared.api.hub, subscribe(access, hang_up, asked), handover).await
}

/// SEC-2: a stream is cut by its key's patterns, and ends with its key.
fn subscribe(access: Access, hang_up: Option<Extension<HangUp>>, asked: Asked) -> Subscribe {
    let Asked { types, origin, until_head, format } = asked;
    let token = match &access.caller {
        Caller::Token(token) => Some(token.id),
        Caller::Platform | Caller::Key(_) => None,
    };
    let (key, expires_at) = match &access.caller {
        Caller::Platform => (None, None),
        Caller::Key(key) => (Some(key.id), key.expires_at),
        Caller::Token(token) => (token.maker, Some(token.expires_at)),
    };
    Subscribe {
        team: access.team,
        key,
        token,
        filter: TypeFilter { visible: access.caller.visible(), wanted: types },
        origin,
        until_head,
        format,
        expires_at,
        hang_up: hang_up.map(|Extension(hang_up)| hang_up),
    }
}

async fn answer(hub: &Arc<Hub>, asked: Subscribe, handover: Option<Handover>) -> ApiResult {
    let media_type = asked.format.media_type();
    let handover = handover.filter(|_| !asked.until_head);
    let subscription = hub.subscribe(asked).await?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    let closes = handover.is_some();
    let mut answer = (headers, Body::new(StreamBody::new(subscription, handover))).into_response();
    if closes {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer)
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::NotFound => Self::not_found(),
            SubscribeError::KeyRevoked => {
                Self::new(Code::KeyRevoked, "this key was revoked; use another one")
            }
            SubscribeError::TooManyStreams { limit } => {
                Self::too_many(Code::TooManyStreams, "streams", limit)
            }
            SubscribeError::ShuttingDown => {
                Self::new(Code::ShuttingDown, "the server is stopping; connect again in a moment")
            }
            SubscribeError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cstar_realtime::{Format, Options, Origin};
    use cstar_store::Directory;
    use cstar_store::model::Model;
    use cstar_types::{Key, KeyId, Patterns, Scopes, Team, TeamId, Timestamp};
    use http_body_util::BodyExt;
    use uuid::Uuid;

    use super::*;

    async fn hub(options: Options) -> (Arc<Hub>, TeamId) {
        let store = Model::new();
        let id = TeamId::from_uuid(Uuid::from_u128(7));
        let created_at = Timestamp::default();
        store.create_team(Team { id, name: "test".into(), version: 1, created_at }).await.unwrap();
        (Hub::new(store, options, Arc::new(Timestamp::default)), id)
    }

    fn asked(team: TeamId, format: Format) -> Subscribe {
        Subscribe {
            team,
            key: None,
            token: None,
            filter: TypeFilter::all(),
            origin: Origin::Head,
            until_head: true,
            format,
            expires_at: None,
            hang_up: None,
        }
    }

    /// R2: what the answer says of itself, so that nothing on the way keeps or gathers it.
    #[tokio::test]
    async fn a_stream_says_what_it_is() {
        for (format, media_type, first) in [
            (Format::EventStream, "text/event-stream", "retry: 2000\nevent: cstar.ready\nid: 1.0\ndata: {"),
            (Format::Ndjson, "application/x-ndjson", "{\"id\":\"1.0\",\"event\":\"cstar.ready\",\"data\":{"),
        ] {
            let (hub, team) = hub(Options::default()).await;
            let response = answer(&hub, asked(team, format), None).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()[CONTENT_TYPE], media_type);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[ACCEL_BUFFERING], "no");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(text.starts_with(first) && text.contains("cstar.end"), "{text}");
            assert_eq!(hub.counts().streams, 0, "the end of the body is the end of the stream");
        }
    }

    /// SEC-2, R3: what a key asks for is cut by what it sees, and its stream ends when it does.
    #[test]
    fn a_stream_is_within_its_key() {
        let team = TeamId::from_uuid(Uuid::from_u128(7));
        let expires_at = Some(Timestamp::from_millis(9));
        let key = Key {
            id: KeyId::from_bits(1),
            team,
            name: "k".into(),
            scopes: Scopes::all(),
            types: Patterns::parse_list("ticket.*").unwrap(),
            maker: None,
            created_at: Timestamp::default(),
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        let types = Some(Patterns::parse_list("*.created").unwrap());
        let asked = Asked { types, origin: Origin::Head, until_head: false, format: Format::EventStream };
        let asked = subscribe(Access { caller: Caller::Key(Arc::new(key)), team }, None, asked);
        for (event_type, passes) in
            [("ticket.created", true), ("ticket.closed", false), ("customer.created", false)]
        {
            assert_eq!(asked.filter.passes(&event_type.parse().unwrap()), passes, "{event_type}");
        }
        assert_eq!((asked.key, asked.expires_at), (Some(KeyId::from_bits(1)), expires_at));
    }

    #[tokio::test]
    async fn a_stream_that_cannot_be_is_refused_before_it_begins() {
        let (hub, team) = hub(Options { streams_a_team: 1, ..Options::default() }).await;
        let code = async |asked| answer(&hub, asked, None).await.err().map(|error| error.code());
        let open = answer(&hub, asked(team, Format::EventStream), None).await.unwrap();
        assert_eq!(code(asked(team, Format::EventStream)).await, Some(Code::TooManyStreams));
        drop(open);
        let other = TeamId::from_uuid(Uuid::from_u128(8));
        assert_eq!(code(asked(other, Format::EventStream)).await, Some(Code::NotFound));
        hub.run(std::future::ready(())).await;
        assert_eq!(code(asked(team, Format::EventStream)).await, Some(Code::ShuttingDown));
    }
}
