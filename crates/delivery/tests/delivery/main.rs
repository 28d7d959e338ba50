//! The engine against real endpoints on loopback and a store in memory.

mod answers;
mod egress;
mod lanes;
mod lifecycle;
mod losses;
mod outcomes;
mod pool;
mod requests;
mod retries;
mod rotation;
mod targets;
mod tls;
mod world;
