//! Threads that read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::connection;
use super::fault::Fault;
use crate::StoreError;

/// Something to be read, which answers for itself.
type Reading = Box<dyn FnOnce(&Connection) + Send>;

/// A few threads with a connection each, so that nothing else that blocks, such as the lookup of names, holds up a reading.
/// A reading is short and holds no transaction while anybody waits, so that checkpoints get through.
pub(super) struct Readers {
    waiting: Sender<Reading>,
}

impl Readers {
    pub(super) fn open(file: &Path, count: usize) -> Result<Self, Fault> {
        let (waiting, taken) = mpsc::channel();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..count {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let conn = Connection::open_with_flags(file, flags)?;
            connection::prepare_reader(&conn)?;
            let taken = Arc::clone(&taken);
            let thread = thread::Builder::new().name("cstar-reader".to_owned());
            thread
                .spawn(move || read_all(&conn, &taken))
                .map_err(|error| StoreError::Unusable(format!("cannot start a reader's thread: {error}")))?;
        }
        Ok(Self { waiting })
    }

    /// Reads on the next thread that is free. What nobody waits for any more when its turn comes is left out; `None` if
    /// the reading was cut off by a panic.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Option<T> {
        let (caller, answer) = oneshot::channel();
        let reading = Box::new(move |conn: &Connection| {
            if !caller.is_closed() {
                let _ = caller.send(read(conn));
            }
        });
        self.waiting.send(reading).ok()?;
        answer.await.ok()
    }
}

/// Reads what comes until nothing can come any more. A panic ends its own reading alone.
fn read_all(conn: &Connection, taken: &Mutex<Receiver<Reading>>) {
    loop {
        // The lock is given up before the reading begins: the next thread waits for the next one meanwhile.
        let next = taken.lock().recv();
        let Ok(reading) = next else { return };
        let _ = catch_unwind(AssertUnwindSafe(|| reading(conn)));
    }
}
