//! Changing the master key under a server's data.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};

use cstar_signature::{Secret, verify_body};
use cstar_testkit::Receiver;
use tempfile::TempDir;

use crate::{cstar, ticket, with_team};

/// Changes the key of the data, killed at the Nth call to the kernel that could part two steps, if there are so many.
fn rotate(data: &Path, killed_at: Option<(&str, usize)>) -> ExitStatus {
    let mut command = match killed_at {
        Some((calls, nth)) => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-q", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
            strace.args([
                "-e",
                &format!("inject={calls}:signal=KILL:when={nth}"),
                env!("CARGO_BIN_EXE_cstar"),
            ]);
            strace
        }
        None => Command::new(env!("CARGO_BIN_EXE_cstar")),
    };
    command.args(["rotate-master-key".as_ref(), "--data".as_ref(), data.as_os_str()]);
    command.env_remove("CSTAR_MASTER_KEY").output().unwrap().status
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

/// SEC-3, W37: after a change of the master key webhooks are signed with the secrets that they had, and the change can be killed at
/// any call that writes: the server then starts on what is there, and the change ends when it is asked for again.
#[tokio::test]
async fn webhooks_keep_their_secrets_over_a_change_of_the_master_key() {
    let (mut server, team) = with_team(cstar()).await;
    let receiver = Receiver::ok().await;
    let webhook = team.webhook(&receiver.url("/webhook"), &["*"]).await;
    let secret = Secret::parse(webhook.secret.reveal()).unwrap();
    server.terminate();
    assert!(server.ended().await.success());
    let left = copy(server.data());

    let mut kills = 0;
    for calls in ["rename,renameat,renameat2", "fsync,fdatasync", "pwrite64"] {
        for nth in 1.. {
            let data = copy(left.path());
            if rotate(data.path(), Some((calls, nth))).success() {
                break;
            }
            kills += 1;
            let before = receiver.received().len();
            server = server.on(data.path());
            server.start().await;
            team.publish("ticket.created", &ticket("signed")).await;
            let request = receiver.until_received(before + 1).await.pop().unwrap();
            let signed = verify_body(&secret, &request.body, Some(request.header("x-cstar-signature")));
            assert!(signed.is_ok(), "killed at {calls} number {nth}");
            server.terminate();
            assert!(server.ended().await.success());
            assert!(rotate(data.path(), None).success());
            let keys = fs::read_to_string(data.path().join("master.key")).unwrap();
            assert_eq!(keys.lines().count(), 1);
            assert_ne!(keys, fs::read_to_string(left.path().join("master.key")).unwrap());
            server.start().await;
            server.terminate();
            assert!(server.ended().await.success());
        }
    }
    assert!(kills >= 6, "only {kills} kills");
}
