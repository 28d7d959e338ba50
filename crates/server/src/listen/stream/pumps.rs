//! Which pump serves which stream.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::line::Line;
use super::pump::Pump;
use super::wakes::{PLACES, Wakes};

/// The pumps that run, each with at least one line or about to have one.
pub(in crate::listen) struct Pumps {
    running: Mutex<Vec<Arc<Intake>>>,
    unacknowledged: Duration,
    /// Theirs, whatever a connection was served on before.
    runtime: Handle,
}

/// Where a pump gets its lines.
#[derive(Default)]
pub(super) struct Intake {
    pub(super) wakes: Arc<Wakes>,
    /// Those that are here, or on their way. It rises under the lock of the pumps alone, so that none comes to a pump that ends.
    lines: AtomicUsize,
    arrived: Mutex<Vec<Line>>,
}

impl Pumps {
    /// No pumps, and on the present runtime once there are some; a peer that acknowledges nothing for so long is gone.
    pub(in crate::listen) fn new(unacknowledged: Duration) -> Arc<Self> {
        Arc::new(Self { running: Mutex::default(), unacknowledged, runtime: Handle::current() })
    }

    pub(super) fn unacknowledged(&self) -> Duration {
        self.unacknowledged
    }

    /// Has a line served from now on: by the first pump that has a place, so that the last ones run empty and end.
    pub(in crate::listen) fn serve(self: &Arc<Self>, line: Line) {
        let mut running = self.running.lock();
        let with_place = running.iter().find(|intake| intake.lines.load(Ordering::Relaxed) < PLACES);
        let intake = with_place.cloned().unwrap_or_else(|| {
            let intake = Arc::new(Intake::default());
            self.runtime.spawn(Pump::new(Arc::clone(self), Arc::clone(&intake)).run());
            running.push(Arc::clone(&intake));
            intake
        });
        intake.lines.fetch_add(1, Ordering::Relaxed);
        drop(running);
        intake.arrived.lock().push(line);
        intake.wakes.wake_task();
    }

    /// Sends nothing more there, if nothing is on its way; says whether that is so.
    pub(super) fn close_if_empty(&self, intake: &Arc<Intake>) -> bool {
        let mut running = self.running.lock();
        let is_empty = intake.is_empty();
        if is_empty {
            running.retain(|other| !Arc::ptr_eq(other, intake));
        }
        is_empty
    }

    /// Sends nothing more there.
    pub(super) fn close(&self, intake: &Arc<Intake>) {
        self.running.lock().retain(|other| !Arc::ptr_eq(other, intake));
    }
}

impl Intake {
    pub(super) fn arrived(&self) -> Vec<Line> {
        take(&mut *self.arrived.lock())
    }

    pub(super) fn one_less(&self) {
        self.lines.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.load(Ordering::Relaxed) == 0
    }
}
