//! The catalogue of faults, each a few times under load, and the ledger's word on it. `cargo xtask soak` does the same for as long as
//! one likes, in any order.

use cstar_testkit::{Clock, Disk, Fault, Rig, Scene};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::BINARY;
use crate::crash::number;

/// C1–C7 after each of some rounds of a fault.
async fn stands(fault: Fault, rounds: u64) {
    let clock = if fault == Fault::ClockJumps { Clock::found() } else { None };
    let rig = Rig { disk: Disk::mount(), clock };
    if !rig.suffices_for(fault) {
        return; // which has been said
    }
    let mut scene = Scene::set(BINARY, rig).await;
    let seed = number("CSTAR_SEED", 1);
    let mut random = StdRng::seed_from_u64(seed);
    for round in 1..=rounds {
        scene.suffer(fault, &mut random).await;
        scene.judge(&format!("{fault}, round {round} of seed {seed}")).await;
    }
}

/// LOG-1, LOG-2, LOG-3, DLV-1: the power is cut at a write or a sync. What was not synced is gone, all of it or some pages, and the
/// name of a file too where its directory was not.
#[tokio::test]
async fn log_1_a_power_cut_loses_nothing_that_was_acknowledged() {
    stands(Fault::PowerCut, 20).await;
}

/// LOG-1: what a failed sync was to write never reaches the disk, though it reads as if it had: nothing is acknowledged after it, and
/// the next start writes it anew.
#[tokio::test]
async fn log_1_what_a_failed_sync_left_unwritten_is_not_trusted() {
    stands(Fault::SyncFails, 20).await;
}

/// LOG-1
#[tokio::test]
async fn log_1_a_write_that_fails_is_never_followed_by_an_acknowledgement() {
    stands(Fault::WriteFails, 20).await;
}

/// LOG-1, LOG-3
#[tokio::test]
async fn a_write_that_is_cut_short_is_gone_on_with() {
    stands(Fault::WriteIsShort, 20).await;
}

/// LOG-3: it is an error, at the start and later, and never an answer.
#[tokio::test]
async fn log_3_a_read_that_fails_is_no_answer() {
    stands(Fault::ReadFails, 20).await;
}

/// LOG-1: neither one write without room nor several in a row.
#[tokio::test]
async fn writes_that_find_no_room_poison_nothing() {
    stands(Fault::NoRoom, 3).await;
}

/// LOG-1: a disk that stalls for less than a publish waits loses nothing and takes no more memory.
#[tokio::test]
async fn a_disk_that_stalls_is_waited_for() {
    stands(Fault::SyncStalls, 2).await;
}

/// LOG-1: refused with 507, and taken again once there is room, while deliveries and streams go on.
#[tokio::test]
async fn a_disk_that_fills_up_under_load_is_no_poison() {
    stands(Fault::FullDisk, 1).await;
}

/// LOG-2, DLV-3: set back by days and ahead by seconds, and right again.
#[tokio::test]
async fn a_clock_that_jumps_harms_nothing() {
    stands(Fault::ClockJumps, 1).await;
}

/// DLV-2, DLV-3, SEC-1: the endpoint that is well gets everything, and a redirect is not followed.
#[tokio::test]
async fn a_hostile_endpoint_harms_nobody_else() {
    stands(Fault::HostileEndpoint, 5).await;
}

/// RT-1, T16
#[tokio::test]
async fn restless_readers_miss_and_repeat_nothing() {
    stands(Fault::RestlessReaders, 2).await;
}
