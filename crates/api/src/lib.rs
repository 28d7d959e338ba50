//! The HTTP API: routes, authentication, limits, and the answers to requests that are refused.
//!
//! A request passes three layers: `edge` names it and writes refusals as problem documents; `auth` says who
//! asks, and whether the path's team is theirs; a route reads the body or query, asks the store, and answers in the
//! shapes of `cstar-wire`. What a publish stores and answers is written once, as bytes: see `publish`. It goes a short way
//! past the router, through the same functions: see `routes::short`.
//!
//! Nothing here speaks SQL or dials a customer's host.

mod answer;
mod auth;
mod body;
mod browser;
mod catalog;
mod client_address;
mod edge;
mod error;
mod etag;
mod fields;
mod ids;
mod openapi;
mod options;
mod page;
mod publish;
mod query;
mod rate;
mod reference;
mod roles;
mod routes;
mod service;
mod shared;
mod stream;

pub use browser::{BadOrigin, Origins};
pub use client_address::{ClientAddress, Peer, TrustedProxies};
pub use options::Options;
pub use service::{Answering, Service};
pub use shared::{Api, Metrics, publish_times};
pub use stream::Handover;
