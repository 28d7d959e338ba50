//! A hub over a store, which is the one in memory unless a test says another, and clients that read as they like.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use cstar_realtime::{Hub, Options, Origin, Subscribe, SubscribeError, Subscription};
use cstar_sse::{Limits, Parsed, Parser};
use cstar_store::model::Model;
use cstar_store::{Append, Cutoffs, FanOut, NewEvent, Store, TypeFilter};
use cstar_types::{Event, EventId, Key, KeyId, Patterns, Position, Scopes, Team, TeamId, Timestamp};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// When the tests begin: 2025-12-10T14:30:00Z.
pub const BEGAN: i64 = 1_765_377_000_000;

/// A store with one team, and a hub that runs.
pub struct World {
    pub store: Arc<dyn Store>,
    pub hub: Arc<Hub>,
    pub team: TeamId,
    published: u64,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    began: Instant,
}

impl World {
    pub async fn new(options: Options) -> Self {
        Self::on(Model::new(), options).await
    }

    /// The same on an empty store.
    pub async fn on(store: Arc<dyn Store>, options: Options) -> Self {
        let team = team(1);
        make_team(&*store, team).await;
        Self::over(store, team, options).await
    }

    /// A hub that begins with what a store holds already.
    pub async fn over(store: Arc<dyn Store>, team: TeamId, options: Options) -> Self {
        let began = Instant::now();
        let clock = Arc::new(move || now(began));
        let published = store.ends(team).await.unwrap().head;
        let hub = Hub::new(store.clone(), options, clock);
        let (stop, stopped) = oneshot::channel();
        let running = Arc::clone(&hub);
        let task = tokio::spawn(async move {
            running.run(async { drop(stopped.await) }).await;
        });
        let world = Self { store, hub, team, published, stop: Some(stop), task, began };
        world.settle().await;
        world
    }

    pub fn now(&self) -> Timestamp {
        now(self.began)
    }

    /// Appends one event of each type, in one commit. Its time is its first seq in milliseconds, for [`World::remove`].
    pub async fn publish(&mut self, types: &[&str]) {
        let team = self.team;
        let at = Timestamp::from_millis(BEGAN + self.published as i64 + 1);
        let events = types.iter().zip(self.published + 1..).map(|(event_type, seq)| {
            let id = EventId::from_bits(seq.into(), false);
            let data = format!(r#"{{"n":{seq}}}"#);
            let event = Event::new(id, event_type.parse().unwrap(), team, at, data.as_bytes());
            NewEvent { event, idempotency_key: None }
        });
        let append = Append { team, events: events.collect(), fan_out: FanOut::Matching, now: at };
        self.published += types.len() as u64;
        self.store.append(append).await.unwrap();
    }

    /// The same, each in a commit of its own.
    pub async fn publish_each(&mut self, types: &[&str]) {
        for event_type in types {
            self.publish(&[event_type]).await;
        }
    }

    /// Removes every commit before this seq.
    pub async fn remove(&self, before: u64) {
        let events = Timestamp::from_millis(BEGAN + before as i64);
        let none = Timestamp::default();
        let cutoffs = Cutoffs { events, deliveries: none, idempotency_keys: none };
        while self.store.remove_old(cutoffs, 1000).await.unwrap() > 0 {}
    }

    pub fn asks(&self) -> Subscribe {
        Subscribe {
            team: self.team,
            key: None,
            token: None,
            filter: TypeFilter::all(),
            origin: Origin::Head,
            until_head: false,
            format: cstar_realtime::Format::EventStream,
            expires_at: None,
            hang_up: None,
        }
    }

    pub async fn open(&self, asked: Subscribe) -> Result<Client, SubscribeError> {
        self.hub.subscribe(asked).await.map(Client::new)
    }

    /// A client that asks for everything from `last_event_id` on.
    pub async fn client(&self, last_event_id: &str) -> Client {
        self.open(Subscribe { origin: Origin::parse(last_event_id), ..self.asks() }).await.unwrap()
    }

    /// A client that asks for these types.
    pub async fn client_of(&self, last_event_id: &str, types: &str) -> Client {
        let asked = Subscribe { origin: Origin::parse(last_event_id), filter: wanting(types), ..self.asks() };
        self.open(asked).await.unwrap()
    }

    pub async fn make_key(&self, number: u128) -> KeyId {
        let key = Key {
            id: KeyId::from_bits(number),
            team: self.team,
            name: "test".into(),
            scopes: Scopes::all(),
            types: Patterns::all(),
            maker: None,
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        self.store.create_key(key, [0; 32]).await.unwrap();
        KeyId::from_bits(number)
    }

    /// Lets the hub do what it has to do now, without time passing.
    pub async fn settle(&self) {
        settle().await;
    }

    /// Stops the hub and waits until it has stopped.
    pub async fn stop(&mut self) {
        self.stop.take().expect("it is stopped once").send(()).unwrap();
        (&mut self.task).await.unwrap();
    }
}

/// Lets all tasks do what they have to do now.
async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

fn now(began: Instant) -> Timestamp {
    Timestamp::from_millis(BEGAN).plus(began.elapsed())
}

pub fn team(number: u128) -> TeamId {
    TeamId::from_uuid(uuid::Uuid::from_u128(number))
}

pub async fn make_team(store: &dyn Store, id: TeamId) {
    let created_at = Timestamp::from_millis(BEGAN);
    store.create_team(Team { id, name: "test".into(), version: 1, created_at }).await.unwrap();
}

pub fn wanting(types: &str) -> TypeFilter {
    TypeFilter { visible: Patterns::all(), wanted: Some(Patterns::parse_list(types).unwrap()) }
}

/// A block of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `None` for an event of the log.
    pub name: Option<String>,
    pub id: String,
    pub data: serde_json::Value,
    /// The data as it came.
    pub text: String,
}

impl Block {
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// The position in `id`.
    pub fn position(&self) -> Position {
        self.id.parse().unwrap()
    }

    /// The position in a field of the data.
    pub fn at(&self, field: &str) -> Position {
        self.data[field].as_str().unwrap().parse().unwrap()
    }
}

/// A client, as far as it has read.
pub struct Client {
    pub stream: Subscription,
    parser: Parser,
    pub retry_ms: Option<u128>,
    pub pieces: usize,
    pub ended: bool,
}

impl Client {
    pub fn new(stream: Subscription) -> Self {
        Self { stream, parser: Parser::new(Limits::default()), retry_ms: None, pieces: 0, ended: false }
    }

    /// The next piece, if there is one now.
    pub fn take(&mut self) -> Option<Bytes> {
        match self.stream.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(piece)) => {
                self.pieces += 1;
                Some(piece)
            }
            Poll::Ready(None) => {
                self.ended = true;
                None
            }
            Poll::Pending => None,
        }
    }

    /// Reads a piece, or a part of one.
    pub fn read(&mut self, mut piece: impl Buf) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some(parsed) = self.parser.next(&mut piece).unwrap() {
            match parsed {
                Parsed::Retry(wait) => self.retry_ms = Some(wait.as_millis()),
                Parsed::Event { event: name, data: text, id } => {
                    let data = serde_json::from_str(&text).unwrap();
                    blocks.push(Block { name, id, data, text });
                }
            }
        }
        blocks
    }

    /// Everything that there is now, without time passing.
    pub async fn read_all(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        loop {
            while let Some(piece) = self.take() {
                blocks.extend(self.read(piece));
            }
            settle().await;
            match self.take() {
                Some(piece) => blocks.extend(self.read(piece)),
                None => return blocks,
            }
        }
    }

    /// Waits for the next piece; `None` at the end.
    pub async fn wait(&mut self) -> Option<Vec<Block>> {
        match self.stream.next().await {
            Some(piece) => Some(self.read(piece)),
            None => {
                self.ended = true;
                None
            }
        }
    }

    /// The seqs of the events that there are now.
    pub async fn seqs(&mut self) -> Vec<u64> {
        let blocks = self.read_all().await;
        blocks.iter().filter(|block| block.name.is_none()).map(|block| block.position().seq).collect()
    }
}
