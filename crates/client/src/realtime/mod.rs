//! The stream of a team's events.
//!
//! [`session`] decides what becomes of each block, [`reconnect`] when to connect again; neither does IO. [`connect`] dials,
//! [`reading`] turns bytes into blocks, and [`Realtime`] drives them as it is polled.

mod connect;
mod event;
mod reading;
mod reconnect;
mod session;
mod silence;
mod stream;
#[cfg(test)]
mod tests;

pub use event::{Disconnected, Event, Opened, State, StreamEvent};
pub use stream::{Realtime, RealtimeOptions};

#[cfg(test)]
pub(crate) use connect::{Connect, opened};
#[cfg(test)]
pub(crate) use reading::ByteStream;
