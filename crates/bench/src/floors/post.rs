//! `post`: a bare keep-alive POST loop. The generator and the receiver of the rows, the same bytes both ways, nothing in between.

use crate::Failure;
use crate::http::Template;
use crate::load::{self, Load, Loaded};
use crate::receiver::{Receiver, Sink};

/// The bytes that went both ways when the server was measured, and over how many connections.
pub(crate) struct Post<S> {
    pub(crate) request: Vec<u8>,
    pub(crate) answer: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) connections: usize,
    pub(crate) requests: u64,
    pub(crate) sink: S,
}

pub(crate) fn measure<S: Sink>(post: Post<S>) -> Result<Loaded, Failure> {
    let receiver = Receiver::start(post.answer, post.sink)?;
    let loaded = load::send(Load {
        address: receiver.address,
        template: Template::of(post.request),
        connections: post.connections,
        requests: post.requests,
        first: 0,
        status: post.status,
    })?;
    receiver.finish()?;
    Ok(loaded)
}
