//! Who of a pump's lines is to be looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Lines of one pump: as many as a word has bits.
pub(super) const PLACES: usize = u64::BITS as usize;

/// A bit for each place, and the task that looks at them.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    task: AtomicWaker,
    news: Set,
    sockets: Set,
}

/// The places of one kind.
#[derive(Debug, Default)]
struct Set(AtomicU64);

/// Why a line is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The subscription may have something to send.
    News,
    /// The socket is ready, or to be cut.
    Socket,
}

/// Those to be looked at, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Woken {
    pub(super) news: u64,
    pub(super) sockets: u64,
}

impl Wakes {
    /// Who was woken since the last call. The task is woken by what comes from now on.
    pub(super) fn take(&self, task: &Waker) -> Woken {
        self.task.register(task);
        Woken { news: self.news.take(), sockets: self.sockets.take() }
    }

    /// Has the task look at a place.
    pub(super) fn wake(&self, place: usize, cause: Cause) {
        let set = match cause {
            Cause::News => &self.news,
            Cause::Socket => &self.sockets,
        };
        // Whoever set the first bit wakes the task; it takes all that are set by then.
        if set.0.fetch_or(1 << place, Ordering::AcqRel) == 0 {
            self.task.wake();
        }
    }

    /// Has the task look for what came to it by another way.
    pub(super) fn wake_task(&self) {
        self.task.wake();
    }

    /// What wakes a place for this cause.
    pub(super) fn waker(self: &Arc<Self>, place: usize, cause: Cause) -> Waker {
        Waker::from(Arc::new(Bell { wakes: Arc::clone(self), place, cause }))
    }
}

impl Set {
    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::AcqRel)
    }
}

#[derive(Debug)]
struct Bell {
    wakes: Arc<Wakes>,
    place: usize,
    cause: Cause,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.wake(self.place, self.cause);
    }
}

/// The places whose bits are set.
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (place < PLACES).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_once_for_all_who_wait() {
        let (task, wakes) = (Arc::new(Task::default()), Arc::new(Wakes::default()));
        let waker = Waker::from(Arc::clone(&task));
        let woken = || task.0.load(Ordering::SeqCst);
        assert_eq!(wakes.take(&waker), Woken { news: 0, sockets: 0 });
        let (first, last) = (wakes.waker(0, Cause::News), wakes.waker(PLACES - 1, Cause::News));
        first.wake_by_ref();
        last.wake_by_ref();
        first.wake_by_ref();
        assert_eq!(woken(), 1);
        wakes.waker(3, Cause::Socket).wake();
        assert_eq!(wakes.take(&waker), Woken { news: 1 | 1 << (PLACES - 1), sockets: 1 << 3 });
        last.wake_by_ref();
        assert_eq!(woken(), 2, "what was taken is asked for anew");
    }

    #[test]
    fn places_are_those_of_the_bits() {
        for expected in [vec![], vec![0], vec![63], vec![0, 5, 63], (0..64).collect()] {
            let bits = expected.iter().fold(0, |bits, place| bits | 1 << place);
            assert_eq!(places(bits).collect::<Vec<usize>>(), expected);
        }
    }
}
