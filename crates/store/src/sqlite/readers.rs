//! Connections that read.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection;

/// A few connections, each lent to one reading at a time. A reading is short and holds no transaction while anybody
/// waits, so that checkpoints get through.
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(file: &Path, count: usize) -> rusqlite::Result<Self> {
        let open = |_| -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let conn = Connection::open_with_flags(file, flags)?;
            connection::prepare_reader(&conn)?;
            Ok(conn)
        };
        let idle = (0..count).map(open).collect::<Result<_, _>>()?;
        Ok(Self { idle: Mutex::new(idle), permits: Arc::new(Semaphore::new(count)) })
    }

    /// Waits for its turn.
    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.expect("this semaphore is never closed")
    }

    /// Lends a connection to the holder of a permit.
    pub(super) fn lend(&self, permit: OwnedSemaphorePermit) -> Lent<'_> {
        let conn = self.idle.lock().pop();
        Lent {
            conn: Some(conn.expect("there are as many connections as permits")),
            readers: self,
            _permit: permit,
        }
    }
}

/// A lent connection. It goes back when this is dropped, before the permit does.
pub(super) struct Lent<'r> {
    conn: Option<Connection>,
    readers: &'r Readers,
    _permit: OwnedSemaphorePermit,
}

impl Lent<'_> {
    pub(super) fn connection(&self) -> &Connection {
        self.conn.as_ref().expect("it is lent until this is dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.readers.idle.lock().extend(self.conn.take());
    }
}
