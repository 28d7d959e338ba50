//! A stream on one node of what is published on the other, at a steady rate: by the database's bell, and by NATS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use cstar_testkit::{NatsServer, free_address};
use tokio::runtime::Builder;

use super::{Nodes, Used};
use crate::readers::{Plan, Read, Readers, Turns};
use crate::report::{Check, Row, Target};
use crate::rows::Run;
use crate::rows::latency::at_rate;
use crate::rows::streams::created;
use crate::server::Server;
use crate::{Failure, number};

/// Events a second.
const RATE: u32 = 200;
/// And then in batches, each when both streams have the one before.
const BATCH: u64 = 100;
const BATCHES: u64 = 20;

pub(crate) fn measure(run: &Run) -> Result<Row, Failure> {
    let mut row = Row::new("nodes_stream");
    let events = run.size(800, 4_000);
    row.figure("events", events as f64);

    let nodes = Nodes::start(run, "")?;
    let by_database = Streams::open(&nodes, events)?.one_by_one()?.streamed()?;
    nodes.kill(events, 0)?;
    row.figure("publishing_node_p50_ms", by_database.publishing.ms(0.5));
    row.figure("other_node_p50_ms", by_database.other.ms(0.5));
    row.figure("other_node_p99_ms", by_database.other.ms(0.99));
    row.figure("nodes_cpu_us_per_event", by_database.used.nodes_cpu_s * 1e6);
    row.figure("postgres_cpu_us_per_event", by_database.used.database_cpu_s * 1e6);
    row.figure("wal_bytes_per_event", by_database.used.wal_bytes);
    row.check(by_database.check("p50 ms on the other node, over its own"));

    let (nats, monitor) = nats()?;
    let nodes = Nodes::start(run, &format!("nats://{}", nats.address()))?;
    let streams = Streams::open(&nodes, events)?;
    let at_first = messages(monitor)?;
    let streams = streams.one_by_one()?;
    let after_single = messages(monitor)?;
    let by_nats = streams.in_batches()?.streamed()?;
    let after_batches = messages(monitor)?;
    nodes.kill(events + BATCH * BATCHES, 0)?;
    row.figure("nats_publishing_node_p50_ms", by_nats.publishing.ms(0.5));
    row.figure("nats_other_node_p50_ms", by_nats.other.ms(0.5));
    row.figure("nats_other_node_p99_ms", by_nats.other.ms(0.99));
    row.figure("nats_nodes_cpu_us_per_event", by_nats.used.nodes_cpu_s * 1e6);
    row.figure("nats_postgres_cpu_us_per_event", by_nats.used.database_cpu_s * 1e6);
    row.figure("nats_wal_bytes_per_event", by_nats.used.wal_bytes);
    row.figure("nats_messages_per_event", (after_single - at_first) as f64 / events as f64);
    row.figure("nats_messages_per_batch", (after_batches - after_single) as f64 / BATCHES as f64);
    row.check(by_nats.check("p50 ms on the other node, by NATS"));
    Ok(row)
}

/// A stream on each node, and what is published on the first.
struct Streams<'n> {
    publishing: &'n Server,
    nodes: &'n Nodes,
    own: Readers,
    other: Readers,
    turns: Arc<Turns>,
    events: u64,
    used: Option<Used>,
}

impl<'n> Streams<'n> {
    fn open(nodes: &'n Nodes, events: u64) -> Result<Self, Failure> {
        let turns = Turns::new(events + BATCH * BATCHES);
        let open = |server: &Server| {
            let readers = Readers::open(Plan {
                address: server.address,
                request: server.stream(""),
                streams: 1,
                opening: 1,
                first: 0,
                turns: turns.clone(),
            })?;
            readers.wait_until_open()?;
            Ok::<_, Failure>(readers)
        };
        let (own, other) = (open(&nodes.servers[0])?, open(&nodes.servers[1])?);
        Ok(Self { publishing: &nodes.servers[0], nodes, own, other, turns, events, used: None })
    }

    /// At a rate, over one connection.
    fn one_by_one(mut self) -> Result<Self, Failure> {
        let before = self.nodes.used()?;
        let publish = self.publishing.publish(number::single());
        at_rate(self.publishing, &publish, self.events, (RATE, 1), &self.turns)?;
        self.wait_for(self.events - 1)?;
        self.used = Some(self.nodes.used()?.each(before, self.events as f64));
        Ok(self)
    }

    /// Behind those; their times do not count.
    fn in_batches(self) -> Result<Self, Failure> {
        let mut client = self.publishing.client()?;
        let mut publish = self.publishing.publish(&number::batch(BATCH as usize));
        for batch in 0..BATCHES {
            let first = self.events + batch * BATCH;
            publish.set_numbers(first);
            created(client.send(publish.bytes())?)?;
            self.wait_for(first + BATCH - 1)?;
        }
        Ok(self)
    }

    /// Until both have it.
    fn wait_for(&self, number: u64) -> Result<(), Failure> {
        self.own.wait_for(number)?;
        self.other.wait_for(number)
    }

    fn streamed(self) -> Result<Streamed, Failure> {
        let used = self.used.ok_or("nothing was published one by one")?;
        Ok(Streamed { publishing: self.own.finish()?, other: self.other.finish()?, used })
    }
}

/// From an event's turn until a stream had it, of those that were published one by one.
struct Streamed {
    /// On the node that it was published on: what its commit takes, and telling a stream.
    publishing: Read,
    other: Read,
    /// Of each.
    used: Used,
}

impl Streamed {
    fn check(&self, what: &'static str) -> Check {
        Check::of(what, self.other.ms(0.5) - self.publishing.ms(0.5), Target::AtMost(10.0))
    }
}

/// A server, and where it says what it did.
fn nats() -> Result<(NatsServer, SocketAddr), Failure> {
    let monitor = free_address();
    let port = monitor.port().to_string();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let started = runtime.block_on(NatsServer::start_with(&["--http_port", &port]));
    Ok((started.ok_or("CSTAR_WITHOUT_SERVERS leaves out what several nodes need")?, monitor))
}

/// Messages that nodes have sent it.
fn messages(monitor: SocketAddr) -> Result<u64, Failure> {
    let mut asking = TcpStream::connect(monitor)?;
    asking.write_all(b"GET /varz HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    asking.read_to_string(&mut answer)?;
    let (_, said) = answer.split_once("\r\n\r\n").ok_or("NATS does not say what it did")?;
    let said: serde_json::Value = serde_json::from_str(said)?;
    Ok(said["in_msgs"].as_u64().ok_or("NATS does not say how many messages it took")?)
}
