//! Streams over HTTP/1.1 without TLS, from when their answer has begun.
//!
//! hyper reads the request, the router answers it, and hyper writes the head and the first block. From then on a stream is a socket
//! and a subscription: hyper's buffers, of several kilobytes a connection, are freed, and one task serves many of them.
//!
//! ```text
//! hyper ─ Handover ─▶ Pumps ─▶ Pump ─▶ Line { socket, subscription }
//!                                └─▶ … 64 of them
//! ```
//!
//! Streams over TLS, HTTP/2 and HTTP/1.0 stay where they are.

mod chunk;
mod line;
mod pump;
mod pumps;
#[cfg(test)]
mod tests;
mod wakes;

pub(super) use line::Line;
pub(super) use pumps::Pumps;
