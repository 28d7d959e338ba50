//! Lines on real sockets, over a hub on the model of the store.

use std::sync::Arc;
use std::time::Duration;

use cstar_realtime::{Format, HangUp, Hub, Options, Origin, Subscribe};
use cstar_store::model::Model;
use cstar_store::{Append, Directory, FanOut, Log, NewEvent, TypeFilter};
use cstar_types::{Event, EventId, Team, TeamId, Timestamp};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Line, Pumps};
use crate::listen::connection::Held;
use crate::listen::lookout::Lookout;
use crate::listen::sock_diag::Ends;
use crate::listen::tests::drop_all_packets_to;

const DEADLINE: Duration = Duration::from_secs(60);
/// More than the sockets of a connection hold.
const MANY: usize = 200;
const LARGE_BYTES: usize = 60_000;

struct Server {
    store: Arc<Model>,
    hub: Arc<Hub>,
    team: TeamId,
    listener: TcpListener,
    pumps: Arc<Pumps>,
    open: TaskTracker,
}

impl Server {
    async fn start(options: Options, unacknowledged: Duration) -> Self {
        let (store, team) = (Model::new(), TeamId::from_uuid(uuid()));
        let created_at = Timestamp::default();
        store.create_team(Team { id: team, name: "test".into(), version: 1, created_at }).await.unwrap();
        let hub = Hub::new(store.clone(), options, Arc::new(Timestamp::default));
        let runs = Arc::clone(&hub);
        tokio::spawn(async move { runs.run(std::future::pending()).await });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { store, hub, team, listener, pumps: Pumps::new(unacknowledged), open: TaskTracker::new() }
    }

    async fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = self.listener.accept().await.unwrap();
        let cut = CancellationToken::new();
        let cuts = cut.clone();
        let asked = Subscribe {
            team: self.team,
            key: None,
            token: None,
            filter: TypeFilter::all(),
            origin: Origin::Head,
            until_head: false,
            format: Format::EventStream,
            expires_at: None,
            hang_up: Some(HangUp::new(move || cuts.cancel())),
        };
        let subscription = self.hub.subscribe(asked).await.unwrap();
        let lookout = Lookout::new(Ends::of(&socket).unwrap(), self.pumps.unacknowledged());
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let held = Held { cut, _place: place, _open: self.open.token() };
        self.pumps.serve(Line::new(socket, subscription, lookout, held));
        client
    }

    async fn publish(&self, bytes: usize) {
        let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
        let (id, at) = (EventId::from_bits(rand::random(), false), Timestamp::default());
        let event = Event::new(id, "ticket.created".parse().unwrap(), self.team, at, data.as_bytes());
        let events = vec![NewEvent { event, idempotency_key: None }];
        let append = Append { team: self.team, events, fan_out: FanOut::Matching, now: at };
        self.store.append(append).await.unwrap();
    }

    async fn until_streams(&self, streams: u64) {
        let met = async {
            while self.hub.counts().streams != streams {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, met).await.unwrap_or_else(|_| panic!("{:?}", self.hub.counts()));
    }
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(7)
}

async fn until(client: &mut TcpStream, text: &str) {
    let (mut read, mut tail) = (vec![0; 1 << 16], String::new());
    let reading = async {
        while !tail.contains(text) {
            let len = client.read(&mut read).await.unwrap();
            assert!(len > 0, "the connection ended");
            let from = tail.len().saturating_sub(text.len());
            tail = tail.split_off(from) + std::str::from_utf8(&read[..len]).unwrap();
        }
    };
    timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("no {text:?}"));
}

/// A peer that acknowledges nothing is gone; one beside it that acknowledges, and does not read, is slow and misses nothing.
#[tokio::test]
async fn a_line_whose_peer_is_gone_is_closed_and_a_slow_one_is_not() {
    let server = Server::start(Options::default(), Duration::from_secs(1)).await;
    let mut slow = server.connect().await;
    for _ in 0..3 {
        let mut gone = server.connect().await;
        until(&mut gone, "cstar.ready").await;
        drop_all_packets_to(&gone);
        server.until_streams(2).await;
        for _ in 0..MANY / 3 {
            server.publish(LARGE_BYTES).await;
        }
        server.until_streams(1).await;
    }
    until(&mut slow, &format!("id: 1.{}\n", MANY / 3 * 3)).await;
    drop(slow);
    server.until_streams(0).await;
    server.open.close();
    timeout(DEADLINE, server.open.wait()).await.expect("what the connections held is free");
}

/// A reader that takes nothing for too long is cut by the hub; its neighbour is not.
#[tokio::test]
async fn a_line_that_stands_still_is_cut() {
    let (heartbeat, stalled_after) = (Duration::from_millis(500), Duration::from_secs(1));
    let options = Options { heartbeat, stalled_after, ..Options::default() };
    let server = Server::start(options, DEADLINE).await;
    let (_still, mut reads) = (server.connect().await, server.connect().await);
    server.until_streams(2).await;
    for event in 1..=MANY {
        server.publish(LARGE_BYTES).await;
        until(&mut reads, &format!("id: 1.{event}\n")).await;
    }
    server.until_streams(1).await;
    server.publish(1).await;
    until(&mut reads, &format!("id: 1.{}\n", MANY + 1)).await;
    assert_eq!(server.hub.counts().hung_up, 1);
}
