//! Doorbells of several nodes, over real servers.

mod nats;
mod postgres;
mod support;
