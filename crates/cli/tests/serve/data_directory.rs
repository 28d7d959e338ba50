//! Who may use a data directory.

use cstar_testkit::Ended;

use crate::damage::{database, stop_with_everything_in_the_database};
use crate::{cstar, ticket, with_team};

/// A second process on the data directory is refused, says why, and harms nothing.
#[tokio::test]
async fn a_second_process_is_refused() {
    let (mut first, team) = with_team(cstar()).await;
    let mut second = cstar().on(first.data());
    let Err(Ended(status)) = second.try_start().await else { panic!("two processes on one directory") };
    assert!(!status.success());
    let said = second.log();
    assert!(said.contains("another cstar process uses the data directory"), "{said}");
    team.publish("ticket.created", &ticket("unharmed")).await;

    first.terminate();
    assert!(first.ended().await.success());
    second.start().await;
    assert_eq!(
        second.http().get(&team.path("events")).await.expect(200).read::<serde_json::Value>()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Data of a newer version is refused with a word on what to do, and left as it is.
#[tokio::test]
async fn newer_data_is_refused() {
    let (mut cstar, team) = with_team(cstar()).await;
    let event = team.publish("ticket.created", &ticket("kept")).await;
    stop_with_everything_in_the_database(&mut cstar).await;
    let path = database(cstar.data());
    let now = std::fs::read(&path).unwrap();
    let mut newer = now.clone();
    // SQLite keeps `user_version` here, most significant byte first.
    newer[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    std::fs::write(&path, &newer).unwrap();

    let Err(Ended(status)) = cstar.try_start().await else { panic!("it started on data of a newer version") };
    assert!(!status.success());
    assert!(cstar.log().contains("newer cstar"), "{}", cstar.log());
    assert_eq!(std::fs::read(&path).unwrap(), newer, "left as it is");

    std::fs::write(&path, now).unwrap();
    cstar.start().await;
    assert_eq!(team.event(event.id).await.expect(200).body, event.envelope);
}
