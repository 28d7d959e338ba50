//! HTTP/1.1 over raw sockets: load must cost as little as it can, since it shares the cores with what it measures.

mod answer;
mod client;
mod head;
mod template;

pub(crate) use answer::AnswerReader;
pub(crate) use client::Client;
pub(crate) use head::Head;
pub(crate) use template::Template;
