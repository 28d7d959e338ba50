//! The API on the in-memory store, asked over its router as a client would ask.

mod access;
mod audit;
mod backup;
mod bad_input;
mod browsers;
mod deliveries;
mod description;
mod event_types;
mod keys;
mod lists;
mod notices;
mod open_streams;
mod operations;
mod publishing;
mod refusals;
mod rotation;
mod security;
mod sessions;
mod short_way;
mod streams;
mod teams;
mod tokens;
mod webhook_test;
mod webhooks;
mod world;
