//! LOG-3: damage to what was synced is found and is an error, never silence.

use std::path::{Path, PathBuf};

use cstar_testkit::{CstarProcess, Ended, Ledger, Verdict};

use crate::{cstar, ticket, with_team};

/// The database in a data directory.
pub(crate) fn database(data: &Path) -> PathBuf {
    with_ending(data, ".db").expect("a database in the data directory")
}

/// Each start brings the write-ahead log into the database.
pub(crate) async fn stop_with_everything_in_the_database(cstar: &mut CstarProcess) {
    cstar.restart().await;
    cstar.terminate();
    assert!(cstar.ended().await.success());
}

fn with_ending(data: &Path, ending: &str) -> Option<PathBuf> {
    let mut paths =
        std::fs::read_dir(data).expect("a data directory").map(|entry| entry.expect("readable").path());
    paths.find(|path| path.to_string_lossy().ends_with(ending))
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).expect("writable");
}

/// LOG-3: one byte in the middle of the write-ahead log. SQLite alone would stop its recovery there and lose, without a
/// word, everything that was synced behind it.
#[tokio::test]
async fn log_3_damage_in_the_write_ahead_log_refuses_the_start() {
    let (mut cstar, team) = with_team(cstar()).await;
    let ledger = Ledger::new("wal");
    for _ in 0..40 {
        assert!(matches!(ledger.publish(&team).await, Verdict::Ok(_)));
    }
    cstar.kill_9();
    let wal = with_ending(cstar.data(), "-wal").expect("a write-ahead log after a kill");
    let whole = std::fs::read(&wal).unwrap();
    let salt_in_header = 16;
    for at in [salt_in_header, whole.len() / 100, whole.len() / 4, whole.len() / 2, whole.len() / 4 * 3] {
        std::fs::write(&wal, &whole).unwrap();
        flip(&wal, at);
        let Err(Ended(status)) = cstar.try_start().await else { panic!("it started with byte {at} flipped") };
        assert!(!status.success());
        assert!(cstar.log().contains("wal_damaged"), "{}", cstar.log());
    }
    std::fs::write(&wal, &whole).unwrap();
    cstar.start().await;
    assert_eq!(team.head().await, 40, "as it was written, it is whole");
}

/// LOG-3: one byte of an event in the database itself: the event is answered as an error in the server, by list, by
/// id and in the stream, and never as something else.
#[tokio::test]
async fn log_3_damage_in_the_database_is_never_served() {
    const MARK: &str = "the event that is damaged";
    let (mut cstar, team) = with_team(cstar()).await;
    let sound = team.publish("ticket.created", &ticket("sound")).await;
    let damaged = team.publish("ticket.created", &ticket(MARK)).await;
    stop_with_everything_in_the_database(&mut cstar).await;
    let database = database(cstar.data());
    let bytes = std::fs::read(&database).unwrap();
    let at = bytes
        .windows(MARK.len())
        .position(|window| window == MARK.as_bytes())
        .expect("its text is in the database");
    flip(&database, at);

    cstar.start().await;
    let answer = team.event(damaged.id).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "internal"), "{answer}");
    let listed = team.http.get(&team.path("events?order=asc")).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(&MARK[1..]), "{listed}");
    assert_eq!(listed.status, 500, "{listed}");
    let opened =
        cstar_testkit::Stream::open(&team.http, &team.path("realtime?until=head"), Some("0")).await.unwrap();
    if let Ok(stream) = opened {
        let frames = stream.rest().await;
        assert!(frames.iter().all(|frame| !frame.data.contains(&MARK[1..])), "{frames:?}");
        assert!(
            frames.iter().all(|frame| frame.name.as_deref() != Some("cstar.end")),
            "it did not pass it over: {frames:?}"
        );
    }
    assert_eq!(team.event(sound.id).await.expect(200).body, sound.envelope, "the rest is served");
    assert!(cstar.log().contains("damaged"), "the operator is told: {}", cstar.log());
}
