//! Many streams: what they share, and what they cost.

mod given;

use std::time::Duration;

use cstar_realtime::{Options, Origin, Subscribe};
use given::World;
use tokio::time::timeout;

const TICKET: &str = "ticket.created";
const BOSS: &str = "boss.spawned";

/// Events that are committed while nobody can look are sent in one write.
#[tokio::test(start_paused = true)]
async fn what_waits_is_joined() {
    let mut world = World::new(Options::default()).await;
    let mut client = world.client("").await;
    client.read_all().await;
    for _ in 0..50 {
        world.publish(&[TICKET]).await;
    }
    world.settle().await;
    let before = client.pieces;
    assert_eq!(client.seqs().await.len(), 50);
    assert_eq!(client.pieces - before, 1);
}

/// An event that a filter leaves out costs the stream nothing, and its cursor is past it all the same.
#[tokio::test(start_paused = true)]
async fn a_narrow_filter_is_not_woken() {
    let mut world = World::new(Options::default()).await;
    let mut narrow = world.client_of("", "ticket.*").await;
    narrow.read_all().await;
    world.publish(&[BOSS; 7]).await;
    world.settle().await;
    let listed = world.hub.streams(world.team);
    assert_eq!((listed[0].position.seq, listed[0].lag), (7, 0));
    let poll = timeout(Duration::from_millis(1), narrow.wait());
    assert!(poll.await.is_err());
}

/// A tail that lagged costs a read, never an event.
#[tokio::test(start_paused = true)]
async fn a_lagging_tail_loses_nothing() {
    let mut world = World::new(Options { tail_bytes: 4000, ..Options::default() }).await;
    let mut client = world.client("").await;
    let mut narrow = world.client_of("", "ticket.*").await;
    for _ in 0..100 {
        world.publish(&[TICKET, BOSS]).await;
    }
    world.settle().await;
    assert!(world.hub.counts().lagged > 0);
    assert_eq!(client.seqs().await, (1..=200).collect::<Vec<_>>());
    assert_eq!(narrow.seqs().await, (1..=199).step_by(2).collect::<Vec<_>>());
    world.publish(&[TICKET]).await;
    world.settle().await;
    assert_eq!((client.seqs().await, narrow.seqs().await), (vec![201], vec![201]));
}

/// However many changes wait when the hub has its turn, none is passed over: not an event, nor a revocation (RT-1, SEC-2).
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_where_one_group_ends_and_the_next_begins() {
    for waiting in 255..=258 {
        let mut world = World::new(Options::default()).await;
        let mut client = world.client("").await;
        client.read_all().await;
        world.publish_each(&vec![TICKET; waiting]).await;
        assert_eq!(client.seqs().await.len(), waiting, "{waiting} changes");

        let key = world.make_key(1).await;
        let mut client = world.open(Subscribe { key: Some(key), ..world.asks() }).await.unwrap();
        world.publish_each(&vec![TICKET; waiting - 1]).await;
        world.store.revoke_key(world.team, key, world.now()).await.unwrap();
        client.read_all().await;
        assert!(client.ended, "the revocation is change {waiting}");
    }
}

/// C7: the rings stay within their budget, and a reader that fell out of them loses nothing.
#[tokio::test(start_paused = true)]
async fn the_rings_stay_within_their_budget() {
    const BUDGET: usize = 20_000;
    let options = Options { ring_bytes: BUDGET, batch_bytes: 2000, ..Options::default() };
    let mut world = World::new(options).await;
    let mut slow = world.client("").await;
    let mut quick = world.client("").await;
    let mut seen = Vec::new();
    for _ in 0..100 {
        world.publish(&[TICKET; 5]).await;
        world.settle().await;
        seen.extend(quick.seqs().await);
        assert!(world.hub.counts().ring_bytes <= BUDGET as u64);
    }
    assert_eq!(world.hub.counts().reads, 0, "who keeps up reads no store");
    assert_eq!(seen, (1..=500).collect::<Vec<_>>());
    assert_eq!(slow.seqs().await, (1..=500).collect::<Vec<_>>());
    assert!(world.hub.counts().reads > 0);
}

/// Many that come back together after a restart share what the first ones read, however far behind they are.
#[tokio::test(start_paused = true)]
async fn those_who_come_back_together_share_the_reads() {
    const EVENTS: u64 = 400;
    let mut world = World::new(Options::default()).await;
    world.publish(&[TICKET; EVENTS as usize]).await;
    let options = Options { read_entries: 20, ..Options::default() };
    let world = World::over(world.store.clone(), world.team, options).await;
    let mut clients = Vec::new();
    for number in 0..500 {
        let passed = number % 90;
        let mut client = world.client(&format!("1.{passed}")).await;
        assert!(client.take().is_some(), "it is ready");
        assert!(client.take().is_none(), "it waits for its turn to read");
        clients.push((passed, Vec::new(), client));
    }
    read_in_step(&world, &mut clients).await;
    for (passed, seen, _) in clients {
        assert_eq!(seen, (passed + 1..=EVENTS).collect::<Vec<_>>());
    }
    let reads = world.hub.counts().reads;
    assert!(reads < 100, "{reads} reads for 500 streams, each of which needs about twenty");
}

/// Many that fall behind together share what the first ones read, however full the rings are.
#[tokio::test(start_paused = true)]
async fn those_who_fall_behind_together_share_the_reads() {
    const BUDGET: usize = 30_000;
    let options = Options { ring_bytes: BUDGET, tail_bytes: 20_000, batch_bytes: 2000, ..Options::default() };
    let mut world = World::new(options).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push((0, Vec::new(), world.client("").await));
    }
    for _ in 0..40 {
        world.publish(&[TICKET; 5]).await;
        world.settle().await;
    }
    read_in_step(&world, &mut clients).await;
    assert!(world.hub.counts().ring_bytes > BUDGET as u64 / 10 * 9, "the ring is full");
    let before = world.hub.counts().reads;
    world.publish_each(&[TICKET; 200]).await;
    world.settle().await;
    assert!(world.hub.counts().lagged > 0);
    read_in_step(&world, &mut clients).await;
    for (_, seen, _) in clients {
        assert_eq!(seen, (0..=400).collect::<Vec<_>>());
    }
    let reads = world.hub.counts().reads - before;
    assert!(reads < 150, "{reads} reads for 50 streams, each of which needs about forty");
    assert!(world.hub.counts().ring_bytes <= BUDGET as u64, "C7");
}

/// Has clients take one piece each, in turns, until there is nothing more.
async fn read_in_step(world: &World, clients: &mut [(u64, Vec<u64>, given::Client)]) {
    for _ in 0..100 {
        world.settle().await;
        for (_, seen, client) in clients.iter_mut() {
            let blocks = client.take().map(|piece| client.read(piece)).unwrap_or_default();
            seen.extend(blocks.iter().map(|block| block.position().seq));
        }
    }
}

/// A subscription that stands before the hub runs is served once it does.
#[tokio::test(start_paused = true)]
async fn a_stream_opened_before_the_hub_runs_misses_nothing() {
    let mut world = World::new(Options::default()).await;
    let hub = cstar_realtime::Hub::new(
        world.store.clone(),
        Options::default(),
        std::sync::Arc::new(cstar_types::Timestamp::default),
    );
    let mut early = given::Client::new(hub.subscribe(world.asks()).await.unwrap());
    world.publish(&[TICKET; 2]).await;
    let running = std::sync::Arc::clone(&hub);
    let task = tokio::spawn(async move { running.run(std::future::pending()).await });
    world.settle().await;
    assert_eq!(early.seqs().await, [1, 2]);
    task.abort();
}

/// The last stream of a team takes the ring along.
#[tokio::test(start_paused = true)]
async fn a_team_without_streams_costs_nothing() {
    let mut world = World::new(Options::default()).await;
    for round in 1..=3 {
        let mut client = world.open(Subscribe { origin: Origin::Oldest, ..world.asks() }).await.unwrap();
        world.publish(&[TICKET]).await;
        world.settle().await;
        assert_eq!(client.seqs().await, (1..=round).collect::<Vec<_>>());
        assert!(world.hub.counts().ring_bytes > 0);
        drop(client);
        assert_eq!((world.hub.counts().ring_bytes, world.hub.counts().streams), (0, 0));
        world.publish(&[]).await;
    }
}

/// What is committed between a stream's last look and its falling asleep wakes it. No heartbeat comes to its rescue here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost() {
    let mut world = World::new(Options { heartbeat: Duration::from_secs(3600), ..Options::default() }).await;
    let mut client = world.client("").await;
    let (asks, mut asked) = tokio::sync::mpsc::channel::<()>(1);
    let reader = tokio::spawn(async move {
        client.wait().await;
        for round in 0..5000 {
            asks.send(()).await.unwrap();
            // The event is on its way; now early, now late, the stream looks for it.
            (0..round * 7 % 2000).for_each(|_| std::hint::spin_loop());
            let asleep = tokio::time::Instant::now();
            timeout(Duration::from_secs(20), client.wait()).await.unwrap();
            assert!(asleep.elapsed() < Duration::from_secs(10), "nobody woke it in round {round}");
        }
    });
    while let Some(()) = asked.recv().await {
        world.publish(&[TICKET]).await;
    }
    reader.await.unwrap();
}

/// Threads of a real runtime instead of one: publishers, readers that come and go, and a hub race each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_threads_lose_nothing() {
    const EVENTS: u64 = 3000;
    let mut world =
        World::new(Options { tail_bytes: 100_000, ring_bytes: 50_000, ..Options::default() }).await;
    let mut readers = Vec::new();
    for number in 0..20 {
        let types = if number % 2 == 0 { "*" } else { "ticket.*" };
        let (hub, asked) = (world.hub.clone(), Subscribe { filter: given::wanting(types), ..world.asks() });
        readers.push(tokio::spawn(async move {
            let mut passed = 0;
            let mut events = 0;
            while passed < EVENTS {
                let origin = Origin::After(cstar_types::Position::new(1, passed));
                let stream = hub.subscribe(Subscribe { origin, ..asked.clone() }).await.unwrap();
                let mut client = given::Client::new(stream);
                for _ in 0..number + 2 {
                    // the first piece is the ready
                    let waited = timeout(Duration::from_secs(60), client.wait()).await;
                    let blocks = waited.expect("what was committed arrives").unwrap();
                    for block in blocks.iter().filter(|block| block.name.is_none()) {
                        assert!(block.position().seq > passed, "RT-1");
                        passed = block.position().seq;
                        events += 1;
                    }
                    if passed >= EVENTS {
                        break;
                    }
                }
            }
            (types, events)
        }));
    }
    for number in 0..EVENTS / 3 {
        world.publish(&[BOSS, TICKET, TICKET]).await;
        if number % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        let (types, events) = reader.await.unwrap();
        assert_eq!(events, if types == "*" { EVENTS } else { EVENTS / 3 * 2 }, "{types}");
    }
}
