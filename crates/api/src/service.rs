//! What answers requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request};
use http_body::Body;
use tower::{BoxError, ServiceExt};

use crate::client_address::Peer;
use crate::routes::{ShortWay, router};
use crate::shared::{Api, Shared};

/// An answer to come, in a box: it is large, and whoever serves a connection keeps room for one as long as it is open.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Answers requests: publishes by the short way, everything else by the router.
#[derive(Clone)]
pub struct Service {
    router: Router,
    short: Option<Arc<ShortWay>>,
}

impl Service {
    /// The whole API, and beside it the pages of whoever serves it.
    #[must_use]
    pub fn new(api: Api, pages: Router) -> Self {
        let shared = Shared::new(api);
        let short = shared.options().serves_api.then(|| Arc::new(ShortWay::new(Arc::clone(&shared))));
        Self { router: router(shared, pages), short }
    }

    /// The router alone, which answers the same.
    pub fn by_router(self) -> Router {
        self.router
    }

    /// Whether this is a publish, which goes the short way.
    #[must_use]
    pub fn is_publish(&self, method: &Method, path: &str) -> bool {
        self.short.is_some() && ShortWay::takes(method, path)
    }

    /// Answers a publish of this peer as [`Self::answer`] does, without a box of its own.
    pub async fn publish<B>(&self, peer: Peer, mut request: Request<B>) -> Response
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        match &self.short {
            Some(short) => short.answer(Some(peer), request).await,
            None => {
                request.extensions_mut().insert(peer);
                self.answer(request).await.unwrap_or_else(|never| match never {})
            }
        }
    }

    /// Answers a request.
    pub fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        match &self.short {
            Some(short) if ShortWay::takes(request.method(), request.uri().path()) => {
                let (short, peer) = (Arc::clone(short), request.extensions().get::<Peer>().copied());
                Box::pin(async move { Ok(short.answer(peer, request).await) })
            }
            _ => Box::pin(self.router.clone().oneshot(request)),
        }
    }
}

/// A router alone.
impl From<Router> for Service {
    fn from(router: Router) -> Self {
        Self { router, short: None }
    }
}
