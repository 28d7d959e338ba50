//! Backups of a server at work, and servers that go on from one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cstar_signature::{Secret, verify_body};
use cstar_testkit::{Answer, CstarProcess, Gate, Http, Ledger, Receiver, Reply, StreamReader, Verdict};
use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use crate::{cstar, ticket, with_team};

/// A backup, and where it is restored to.
struct Saved {
    dir: TempDir,
}

impl Saved {
    async fn take(http: &Http) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let Answer { body, .. } = http.post("/v1/backup", "").await.expect(200);
        std::fs::write(dir.path().join("backup"), &body).unwrap();
        Self { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Restores it, and gives the server that was the restored data.
    fn restore(&self, cstar: CstarProcess) -> CstarProcess {
        let key = cstar.data().join("master.key");
        let restored = self.run(&key);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        cstar.flag("--master-key-file", key).on(&self.data())
    }

    fn run(&self, key: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cstar"))
            .args(["restore".as_ref(), self.dir.path().join("backup").as_os_str()])
            .args(["--data".as_ref(), self.data().as_os_str(), "--master-key-file".as_ref(), key.as_os_str()])
            .env_clear()
            .output()
            .unwrap()
    }
}

/// LOG-1, DLV-3, RT-2, T8: what was pending is sent again under the same id and with the same signature; a reader whose cursor
/// lies in the lost future is told a gap, and goes on; no position is given twice.
#[tokio::test]
async fn a_restored_server_goes_on() {
    let (mut cstar, team) = with_team(cstar()).await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::new(move |_| Reply::status(200).behind(&held)).await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["ticket.created"]).await;
    let reader = StreamReader::open(&team.http, &team.path("realtime"), None).await;
    let kept = team.publish("ticket.created", &ticket("kept")).await;
    receiver.until_received(1).await;
    let saved = Saved::take(&team.http).await;
    let lost = team.publish("ticket.closed", &ticket("lost")).await;
    reader.until_events(2).await;
    cstar.kill_9();
    gate.open();

    let mut cstar = saved.restore(cstar);
    cstar.start().await;
    let [first, again] = &receiver.until_received(2).await[..] else { panic!("two requests") };
    assert_eq!(first.header("x-cstar-delivery"), again.header("x-cstar-delivery"));
    assert_eq!(first.body, again.body);
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    verify_body(&secret, &again.body, Some(again.header("x-cstar-signature"))).unwrap();
    team.until_ended("status=delivered", 1).await;

    let gap = reader.until_named("cstar.gap").await;
    let told: Value = serde_json::from_str(&gap.data).unwrap();
    assert_eq!((&told["reason"], &told["from"]), (&"restored".into(), &lost.position.to_string().into()));
    assert_eq!(told["to"], gap.id);
    assert_eq!(team.event(lost.id).await.status, 404);
    assert_eq!(team.event(kept.id).await.expect(200).body, kept.envelope);
    let next = team.publish("ticket.closed", &ticket("after it")).await;
    assert_eq!(reader.until_events(3).await[2].data, next.envelope);
    assert_eq!(next.position.seq, lost.position.seq);
    assert!(next.position.epoch > lost.position.epoch, "no position is given twice");
}

/// LOG-1, LOG-2: a backup under load holds everything that was acknowledged before it was asked for, and no hole.
#[tokio::test]
async fn log_1_a_backup_under_load_holds_what_was_acknowledged() {
    let (mut cstar, team) = with_team(cstar()).await;
    let ledger = Ledger::new("backup");
    for _ in 0..50 {
        ledger.publish(&team).await;
    }
    let before = ledger.notes();
    let load = join_all((0..4).map(|_| ledger.publish_until_refused(&team)));
    let saved = async {
        let saved = Saved::take(&team.http).await;
        let during = ledger.acknowledged();
        cstar.kill_9();
        (saved, during)
    };
    let (_, (saved, during)) = tokio::join!(load, saved);
    assert!(during > before.len(), "publishing went on");

    let mut cstar = saved.restore(cstar);
    cstar.start().await;
    let log = team.log().await; // which is read as a stream, from the oldest
    assert!((1..).zip(&log).all(|(seq, (position, _))| position.seq == seq));
    assert!((before.len()..=ledger.notes().len()).contains(&log.len()));
    for note in before {
        let Verdict::Ok(published) = note.verdict else { panic!("it was acknowledged: {note:?}") };
        assert_eq!(team.event(published.id).await.expect(200).body, published.envelope);
    }
}

/// The data of a server that runs is neither copied nor restored to behind its back.
#[tokio::test]
async fn a_directory_in_use_is_left_alone() {
    let (cstar, team) = with_team(cstar()).await;
    let saved = Saved::take(&team.http).await;
    let key = cstar.data().join("master.key");
    let copied = Command::new(env!("CARGO_BIN_EXE_cstar"))
        .args(["backup".as_ref(), saved.dir.path().join("other").as_os_str()])
        .args(["--data".as_ref(), cstar.data().as_os_str()])
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&copied.stderr).into_owned();
    assert!(copied.status.code() == Some(2) && said.contains("another cstar process"), "{said}");
    let left: Vec<_> =
        std::fs::read_dir(saved.dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["backup"], "nothing half is left");
    let output = Command::new(env!("CARGO_BIN_EXE_cstar"))
        .args(["restore".as_ref(), saved.dir.path().join("backup").as_os_str()])
        .args(["--data".as_ref(), cstar.data().as_os_str(), "--master-key-file".as_ref(), key.as_os_str()])
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("not empty"), "{said}");
    team.publish("ticket.created", &ticket("unharmed")).await;
}
