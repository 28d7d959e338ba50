//! Backups: what is in one, and what becomes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cstar_store::conformance::given::{self, at, keyed, new_event, publishing};
use cstar_store::conformance::{AnyStore, read};
use cstar_store::sqlite::{self, MasterKey, Options, Restored, SqliteStore};
use cstar_store::{StoreError, Verdict};
use cstar_types::{DisabledReason, TeamId};
use tempfile::TempDir;
use tokio::task::JoinSet;

const MASTER: [u8; 32] = *b"the master key, 32 bytes, itself";
const DB: &str = "cstar.db";

fn key() -> MasterKey {
    MasterKey::new(MASTER)
}

fn open(dir: &Path) -> AnyStore {
    Arc::new(SqliteStore::open(Options::new(dir, key())).expect("the directory can be used"))
}

/// A directory for a store, one for a backup of it, and one to restore it to.
struct Places {
    dir: TempDir,
}

impl Places {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn restored(&self) -> PathBuf {
        self.dir.path().join("restored")
    }

    async fn back_up(&self, store: &AnyStore) {
        let pieces = given::soon(store.backup(at(100))).await.unwrap();
        let whole: Vec<u8> = pieces.flat_map(|piece| piece.unwrap().to_vec()).collect();
        fs::write(self.file(), whole).unwrap();
    }

    fn restore(&self) -> Result<Restored, StoreError> {
        self.restore_with(&key())
    }

    fn restore_with(&self, key: &MasterKey) -> Result<Restored, StoreError> {
        sqlite::restore(&self.file(), &self.restored(), &["master.key"], key, at(200), &mut |_, _| {})
    }
}

fn refusal(restored: Result<Restored, StoreError>) -> String {
    match restored {
        Err(error @ (StoreError::Unusable(_) | StoreError::Damaged(_))) => error.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// LOG-1, DLV-3: a restored store has everything, and what was pending is due again, under the same id.
#[tokio::test]
async fn what_was_stored_is_restored() {
    let places = Places::new();
    let store = open(&places.data());
    let (team, webhook, due) = given::one_delivery(&store).await;
    given::recorded(&store, &due, Verdict::RetryAt(at(60)), at(1)).await;
    let publish =
        || publishing(team, vec![keyed(new_event(team, "ticket.closed", "{}", at(2)), "once")], at(2));
    let first = given::entries(store.append(publish()).await.unwrap());
    let opens = given::key(&store, team).await;
    let log = read::log(&store, team).await;
    let waiting = read::due(&store, webhook, at(300)).await;
    let known = store.key(opens).await.unwrap();
    let to_send = store.webhook_to_send(webhook).await.unwrap();
    let notice = given::webhook(&store, TeamId::OPERATOR, "*").await;
    store
        .disable_webhook(given::webhook(&store, team, "*").await, None, DisabledReason::Gone, at(3))
        .await
        .unwrap();
    let told = read::due(&store, notice, at(300)).await;
    assert_eq!(told.len(), 1);
    places.back_up(&store).await;
    given::one_event(&store, team, "ticket.deleted").await; // what comes later is not in it
    drop(store);

    let Restored { manifest, epoch } = places.restore().unwrap();
    assert_eq!((manifest.epoch, manifest.made_at), (1, at(100)));
    assert!(epoch > 1, "RT-2: positions of a lost future must not be given again");
    let store = open(&places.restored());
    let restored = read::log(&store, team).await;
    assert!(
        restored
            .iter()
            .map(|entry| (entry.position.seq, &entry.event))
            .eq(log.iter().map(|entry| (entry.position.seq, &entry.event)))
    );
    assert!(restored.iter().all(|entry| entry.position.epoch == epoch));
    let ids = |due: &[cstar_store::Due]| {
        due.iter().map(|due| (due.id, due.attempts, due.due_at)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&read::due(&store, webhook, at(300)).await), ids(&waiting));
    assert_eq!(ids(&read::due(&store, notice, at(300)).await), ids(&told));
    assert_eq!(store.key(opens).await.unwrap(), known);
    assert_eq!(store.webhook_to_send(webhook).await.unwrap(), to_send);
    let again = given::entries(store.append(publish()).await.unwrap());
    assert_eq!(again[0].event, first[0].event, "the idempotency key came along");
    assert_eq!(store.check().await, Ok(()));
}

/// LOG-1, LOG-2: a backup of a store at work has everything that was answered before it began, and of each log the front,
/// without a hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_the_front_of_each_log() {
    const PUBLISHERS: usize = 4;
    let places = Places::new();
    let store = open(&places.data());
    let mut teams = Vec::new();
    for _ in 0..PUBLISHERS {
        teams.push(given::team(&store).await);
    }
    let mut load = JoinSet::new();
    for team in teams.clone() {
        let store = Arc::clone(&store);
        load.spawn(async move {
            loop {
                let event = new_event(
                    team,
                    "ticket.created",
                    &format!("{{\"pad\":\"{}\"}}", "x".repeat(2000)),
                    at(0),
                );
                store.append(publishing(team, vec![event], at(0))).await.unwrap();
            }
        });
    }
    let head = async |team: TeamId| store.ends(team).await.unwrap().head;
    while head(teams[0]).await < 200 {
        tokio::task::yield_now().await;
    }
    let mut before = Vec::new();
    for team in &teams {
        before.push(head(*team).await);
    }
    places.back_up(&store).await;
    let mut after = Vec::new();
    for team in &teams {
        after.push(head(*team).await);
    }
    load.shutdown().await;
    let mut logs = Vec::new();
    for team in &teams {
        logs.push(read::log(&store, *team).await);
    }
    drop(store);

    places.restore().unwrap();
    let store = open(&places.restored());
    for (place, team) in teams.iter().enumerate() {
        let restored = read::log(&store, *team).await; // which looks for holes
        let seqs = before[place]..=after[place];
        assert!(seqs.contains(&(restored.len() as u64)), "{} of {seqs:?}", restored.len());
        assert!(restored.iter().zip(&logs[place]).all(|(one, other)| one.event == other.event));
    }
    assert!(after[0] > before[0], "publishing went on");
    assert_eq!(store.check().await, Ok(()));
}

/// LOG-3: a backup that is cut off anywhere, longer than it was, or changed in any place, is not restored; and a directory into
/// which nothing was restored takes the whole one.
#[tokio::test]
async fn a_backup_that_is_not_whole_is_refused() {
    /// Prime, so that every kind of place comes up.
    const STRIDE_BYTES: usize = 4001;
    let places = Places::new();
    let store = open(&places.data());
    given::one_delivery(&store).await;
    places.back_up(&store).await;
    let whole = fs::read(places.file()).unwrap();
    let lines = whole.split_inclusive(|byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    let wrong = |bytes: &[u8]| {
        fs::write(places.file(), bytes).unwrap();
        let said = refusal(places.restore());
        assert!(!places.restored().join(DB).exists());
        said
    };
    for at in (0..whole.len()).step_by(STRIDE_BYTES).chain(whole.len() - 80..whole.len()) {
        let said = wrong(&whole[..at]);
        assert!(said.contains("cut off") || at < lines, "{at} bytes: {said}");
    }
    for at in
        (0..lines).chain((lines..whole.len()).step_by(STRIDE_BYTES)).chain(whole.len() - 80..whole.len())
    {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(places.file(), &changed).unwrap();
        assert!(places.restore().is_err(), "byte {at}");
        assert!(!places.restored().join(DB).exists());
    }
    assert!(wrong(&[&whole[..], b"\n"].concat()).contains("not as it was written"));
    assert!(wrong(b"something else").contains("no backup"));
    fs::write(places.file(), &whole).unwrap();
    places.restore().unwrap();
}

/// A backup of a newer version is refused with a word on what to do.
#[tokio::test]
async fn a_newer_backup_is_refused() {
    let places = Places::new();
    let store = open(&places.data());
    places.back_up(&store).await;
    let whole = fs::read(places.file()).unwrap();
    for (now, newer) in [("cstar backup 1\n", "cstar backup 2\n"), ("\"format\":1,", "\"format\":9,")] {
        let at = whole.windows(now.len()).position(|window| window == now.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + now.len()].copy_from_slice(newer.as_bytes());
        fs::write(places.file(), bytes).unwrap();
        let said = refusal(places.restore());
        assert!(said.contains("newer cstar"), "{said}");
    }
}

/// SEC-3: what is restored opens with the one master key; another is refused before anything is written.
#[tokio::test]
async fn the_master_key_must_be_the_one() {
    let places = Places::new();
    let store = open(&places.data());
    let (_, webhook, _) = given::one_delivery(&store).await;
    places.back_up(&store).await;
    assert_eq!(places.restore_with(&MasterKey::new([8; 32])).err(), Some(StoreError::OtherMasterKey));
    assert!(!places.restored().exists());
    places.restore().unwrap();
    let restored = open(&places.restored());
    assert_eq!(restored.webhook_to_send(webhook).await.unwrap().1.current, given::secret());
}

/// SEC-3: neither the master key nor a secret is in a backup in the clear; and what was erased is not in it at all.
#[tokio::test]
async fn nothing_secret_and_nothing_erased_is_in_a_backup() {
    const ERASED: &str = "what nobody may read any more";
    let places = Places::new();
    let store = open(&places.data());
    given::one_delivery(&store).await;
    let gone = given::team(&store).await;
    let data = format!("{{\"title\":\"{ERASED}\"}}");
    store
        .append(publishing(gone, vec![new_event(gone, "ticket.created", &data, at(0))], at(0)))
        .await
        .unwrap();
    let holds =
        |needle: &[u8]| fs::read(places.file()).unwrap().windows(needle.len()).any(|window| window == needle);
    places.back_up(&store).await;
    assert!(holds(ERASED.as_bytes()), "the search can find something");
    store.delete_team(gone, None).await.unwrap();
    let cutoffs = cstar_store::Cutoffs { events: at(0), deliveries: at(0), idempotency_keys: at(0) };
    given::remove_all_old(&store, cutoffs, 100).await;
    places.back_up(&store).await;
    for needle in [ERASED.as_bytes(), &MASTER, &given::secret().reveal().as_bytes()[6..]] {
        assert!(!holds(needle), "{}", String::from_utf8_lossy(needle));
    }
}

/// A directory that holds something is left alone; what a restore left that was cut short is no hindrance.
#[tokio::test]
async fn only_an_empty_directory_is_restored_to() {
    let places = Places::new();
    let store = open(&places.data());
    places.back_up(&store).await;
    fs::create_dir(places.restored()).unwrap();
    fs::write(places.restored().join("somebody's"), "own").unwrap();
    assert!(refusal(places.restore()).contains("not empty"));
    fs::remove_file(places.restored().join("somebody's")).unwrap();
    for left in ["LOCK", "restore.part", "master.key"] {
        fs::write(places.restored().join(left), "left").unwrap();
    }
    places.restore().unwrap();
    assert!(refusal(places.restore()).contains("not empty"), "what was restored is not replaced");
}

/// LOG-1: what a restore left that was cut short is no empty store, to a server or to anybody else, until it is run again.
#[tokio::test]
async fn a_restore_that_was_cut_short_is_not_an_empty_store() {
    let places = Places::new();
    let store = open(&places.data());
    let (team, ..) = given::one_delivery(&store).await;
    places.back_up(&store).await;
    fs::create_dir(places.restored()).unwrap();
    fs::write(places.restored().join("restore.part"), "half").unwrap();
    let refused = [
        SqliteStore::open(Options::new(places.restored(), key())).err(),
        sqlite::Offline::open(&places.restored()).err(),
    ];
    for error in refused {
        let said = error.expect("it is refused").to_string();
        assert!(said.contains("cut short: run it again"), "{said}");
    }
    assert!(!places.restored().join(DB).exists());
    places.restore().unwrap();
    assert_eq!(read::log(&open(&places.restored()), team).await.len(), 1);
}

/// A copy that a crash left unfinished is removed at the next start.
#[tokio::test]
async fn nothing_is_left_of_a_copy_that_was_cut_short() {
    let places = Places::new();
    drop(open(&places.data()));
    for left in ["backup.part", "backup.part-journal"] {
        fs::write(places.data().join(left), "left").unwrap();
    }
    let store = open(&places.data());
    places.back_up(&store).await;
    let left: Vec<_> = fs::read_dir(places.data()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("part")), "{left:?}");
}
