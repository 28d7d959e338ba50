//! The stream over the store that servers run on.

mod given;

use std::sync::Arc;
use std::time::Duration;

use cstar_realtime::Options;
use cstar_store::sqlite::{MasterKey, Options as StoreOptions, SqliteStore};
use given::{Block, Client, World};
use serde_json::json;
use tokio::time::timeout;

const TICKET: &str = "ticket.created";

/// Reads until the log's last event has come.
async fn read_to(client: &mut Client, last: u64) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    while blocks.last().is_none_or(|block| block.position().seq < last) {
        let more = timeout(Duration::from_secs(60), client.wait()).await.expect("more comes");
        blocks.extend(more.expect("the stream goes on"));
    }
    blocks
}

/// RT-2, RT-1, T16: what retention has removed is told as a gap, to who comes back and to who is in the middle of reading,
/// and the stream goes on with the oldest that is kept.
#[tokio::test]
async fn what_retention_removed_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = StoreOptions::new(directory.path().join("data"), MasterKey::new([7; 32]));
    let store = Arc::new(SqliteStore::open(store).unwrap());
    let options = Options { ring_bytes: 0, batch_bytes: 400, ..Options::default() };
    let mut world = World::on(store, options).await;
    world.publish_each(&[TICKET; 30]).await;
    let mut reading = world.client("1.0").await;
    let seen = read_to(&mut reading, 2).await.last().unwrap().position().seq;
    assert!(seen < 10, "it has read a part: {seen}");
    world.remove(21).await;

    let back = world.client("1.5").await;
    for (mut client, from) in [(reading, format!("1.{seen}")), (back, "1.5".to_owned())] {
        let blocks = read_to(&mut client, 30).await;
        let gap = blocks.iter().position(|block| block.is("cstar.gap")).expect("it is told");
        assert_eq!(blocks[gap].data, json!({"from": from, "to": "1.20", "reason": "expired"}));
        assert_eq!(blocks[gap].id, "1.20");
        assert!(blocks[..gap].iter().all(|block| block.is("cstar.ready") && block.data["resumed"] == false));
        let events = blocks[gap + 1..].iter().map(|block| (block.name.clone(), block.position().seq));
        assert!(events.eq((21..=30).map(|seq| (None, seq))), "{blocks:?}");
    }
}
