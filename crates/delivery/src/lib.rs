//! Webhooks: each delivery of the log becomes signed requests until it has ended.
//!
//! ```text
//! store ─▶ tail, due ─▶ lanes ─▶ attempt: target rule ─▶ sender ─▶ outcome ─▶ retry ─▶ store
//! ```
//! [`Engine`] is the shell that does IO; what is decided is decided in pure functions: whose turn it is in `lanes`,
//! where a request may go in `target`, what it says in `request`, what came of it in `outcome`, what follows in
//! `retry`. Only `sender` dials, and only what `target` has judged (SEC-1).

mod counts;
mod endpoint;
mod engine;
mod headers;
mod lanes;
mod options;
mod outcome;
mod request;
mod retry;
mod sender;
mod shortage;
mod target;

pub use counts::{Counts, StandingCounts};
pub use engine::{Engine, Handle};
pub use headers::{StaticHeaderError, check_static_headers};
pub use options::{Options, OptionsError};
pub use sender::{AuthorityError, EgressProxy, NotAProxy};
pub use target::{Resolver, SystemResolver, Target, TargetError, TargetRule, Vetted};
