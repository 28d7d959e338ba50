//! The Rust client of cStar's public API, realtime included.
//!
//! ```no_run
//! use cstar_client::{Client, Config, KeySource, RealtimeOptions, StreamEvent};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(cstar_client::DEFAULT_URL.parse()?, KeySource::fixed("csk_…"));
//! let client = Client::new(config)?;
//! let team = client.team("550e8400-e29b-41d4-a716-446655440000".parse()?);
//!
//! let options = RealtimeOptions { types: Some(["ticket.*".parse()?].into_iter().collect()), ..Default::default() };
//! let mut realtime = team.realtime(options);
//! while let Some(told) = realtime.next().await {
//!     match told {
//!         StreamEvent::Event(event) => println!("{} at {}", event.event_type, event.position),
//!         StreamEvent::Gap(gap) => println!("missed what lies before {}", gap.to),
//!         StreamEvent::State(state) => println!("{state}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A call is repeated where that is harmless, and an error says what its reader can do: see [`Error`]. A stream
//! reconnects by itself and tells what it could not replay: see [`Realtime`].
//!
//! The client knows the API's shapes, and nothing of how the server keeps or delivers events.

mod answer;
mod api;
mod backoff;
mod call;
mod client;
mod config;
mod error;
mod key;
mod page;
mod realtime;
mod refusal;
mod retry;
mod retry_after;
#[cfg(test)]
mod testing;
mod tls;
mod transport;

pub use api::{
    Audit, AuditQuery, Backup, BatchOptions, Deliveries, DeliveryQuery, EventQuery, EventTypes, Events, Keys,
    Notices, Operations, Order, PublishOptions, Published, Teams, Webhooks,
};
pub use client::{Client, TeamClient};
pub use config::{Config, ConfigError, DEFAULT_URL};
pub use cstar_wire::{Gap, GapReason};
pub use error::{BoxError, Error, NetworkError, Result, StreamEnd};
pub use key::KeySource;
pub use page::Pages;
pub use realtime::{Disconnected, Event, Opened, Realtime, RealtimeOptions, State, StreamEvent};
pub use refusal::Refusal;
pub use reqwest::Url;
pub use tls::{http_builder_for, is_this_machine};
