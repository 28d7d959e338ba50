//! A server in memory. With sockets, time that stands still would run ahead of the bytes; here nothing waits but timers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cstar_types::Cursor;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::sleep;

use super::{Answer, Finish, Head, Part, Scenario};
use crate::realtime::{ByteStream, Connect, opened};
use crate::{NetworkError, Result, StreamEnd};

type Opening = BoxFuture<'static, Result<ByteStream>>;

enum Plan {
    Open(Opening),
    Answer(Answer),
}

/// What a stream is connected to in place of a server.
#[derive(Clone)]
pub(crate) struct MemoryServer {
    connections: Arc<Mutex<VecDeque<Plan>>>,
    new_keys: Arc<Mutex<Vec<bool>>>,
    pub(crate) can_ask_key: bool,
}

impl MemoryServer {
    /// Gives these connections, one after the other.
    pub(crate) fn new(connections: impl IntoIterator<Item = Opening>) -> Self {
        Self::of(connections.into_iter().map(Plan::Open), false)
    }

    /// Plays a scenario, without its conditions on requests.
    pub(crate) fn playing(scenario: &Scenario) -> Self {
        Self::of(scenario.answers().into_iter().map(Plan::Answer), scenario.has_many_keys())
    }

    fn of(plans: impl Iterator<Item = Plan>, can_ask_key: bool) -> Self {
        Self { connections: Arc::new(Mutex::new(plans.collect())), new_keys: Arc::default(), can_ask_key }
    }

    /// Whether another key was wanted, for each connection.
    pub(crate) fn new_keys(&self) -> Vec<bool> {
        self.new_keys.lock().unwrap().clone()
    }
}

impl Connect for MemoryServer {
    fn connect(&self, cursor: Option<Cursor>, new_key: bool) -> Opening {
        self.new_keys.lock().unwrap().push(new_key);
        match self.connections.lock().unwrap().pop_front().expect("as many connections as the client makes") {
            Plan::Open(opening) => opening,
            Plan::Answer(answer) => answered(answer, cursor.is_some()).boxed(),
        }
    }

    fn can_ask_key(&self) -> bool {
        self.can_ask_key
    }
}

async fn answered(answer: Answer, resumed: bool) -> Result<ByteStream> {
    if answer.head != Head::Whole {
        return Err(torn());
    }
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let response = response.body(answer.body.as_ref().map(ToString::to_string).unwrap_or_default()).unwrap();
    drop(opened(response.into(), |error| panic!("{error}")).await?);
    let bytes = stream::iter(answer.parts(resumed)).filter_map(sent).boxed();
    Ok(match answer.finish {
        Finish::Close => bytes,
        Finish::Break => bytes.chain(stream::once(async { Err(torn()) })).boxed(),
        Finish::Stay => bytes.chain(stream::pending()).boxed(),
    })
}

async fn sent(part: Part) -> Option<Result<Bytes>> {
    match part {
        Part::Bytes(bytes) => Some(Ok(bytes)),
        Part::Pause(pause) => {
            sleep(pause).await;
            None
        }
    }
}

fn torn() -> crate::Error {
    NetworkError { url: "memory".into(), sent: true, source: StreamEnd::Closed.into() }.into()
}
