//! What answers requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower::{BoxError, ServiceExt};

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
        let short = ShortWay::new(Arc::clone(&shared));
        Self { router: router(shared, pages), short: Some(Arc::new(short)) }
    }

    /// The router alone, which answers the same.
    pub fn by_router(self) -> Router {
        self.router
    }

    /// Answers a request.
    pub fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        match &self.short {
            Some(short) if ShortWay::takes(&request) => {
                let short = Arc::clone(short);
                Box::pin(async move { Ok(short.answer(request).await) })
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
