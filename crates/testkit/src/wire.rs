//! A wire between two processes, to be cut.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::receiver::Gate;

/// Passes connections on to a server, on a thread of its own: a test may block while it waits for what comes over it. Cut, no packet comes
/// through from the near side: the kernel there acknowledges nothing and answers no greeting, as with a cable that is pulled out. From
/// the far side nothing is passed on, and nothing is closed. Mended, it passes on what has waited, and what is sent again. Dropped, it is
/// gone, with all connections.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    ends: Ends,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
struct Ends {
    server: SocketAddr,
    whole: Gate,
    held: Arc<AtomicUsize>,
    passed: Arc<AtomicUsize>,
}

impl Wire {
    /// A wire that leads to this server.
    ///
    /// # Panics
    /// Without a free port.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket of our own");
        let address = listener.local_addr().expect("bound");
        let ends = Ends { server, whole: Gate::closed(), held: Arc::default(), passed: Arc::default() };
        ends.whole.open();
        let stop = CancellationToken::new();
        let passing = (listener, ends.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let (listener, ends, stop) = passing;
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(stop.run_until_cancelled(async {
                accept(TcpListener::from_std(listener).expect("a socket of our own"), ends).await;
            }));
        });
        Self { address, ends, stop, thread: Some(thread) }
    }

    /// Its near end.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing passes.
    pub fn cut(&self) {
        self.ends.whole.close();
    }

    /// Everything passes again.
    pub fn mend(&self) {
        self.ends.whole.open();
    }

    /// How often something could not pass, so far: what came from the far side, and from the near side just before the cut.
    #[must_use]
    pub fn held(&self) -> usize {
        self.ends.held.load(Ordering::Relaxed)
    }

    /// How often something has passed, so far.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.ends.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Ends {
    async fn until_whole(&self) {
        if !self.whole.is_open() {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
        self.whole.pass().await;
    }

    /// While the wire is cut this socket hears nothing: what comes is dropped before it is acknowledged. Does not end.
    async fn keep_deaf_while_cut(&self, socket: &impl AsFd) {
        const RETURN: u16 = 0x06;
        let (mut whole, socket) = (self.whole.watch(), SockRef::from(socket));
        loop {
            if *whole.borrow_and_update() {
                let _ = socket.detach_filter(); // it may have none
            } else {
                socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).expect("a socket of our own");
            }
            if whole.changed().await.is_err() {
                return;
            }
        }
    }
}

async fn accept(listener: TcpListener, ends: Ends) {
    // Dropped with this task.
    let mut connections = JoinSet::new();
    let accepted = async {
        while let Ok((near, _)) = listener.accept().await {
            connections.spawn(connect(near, ends.clone()));
        }
    };
    tokio::select! {
        () = accepted => {}
        () = ends.keep_deaf_while_cut(&listener) => {}
    }
}

async fn connect(near: TcpStream, ends: Ends) {
    ends.until_whole().await;
    let Ok(far) = TcpStream::connect(ends.server).await else { return };
    let socket = near.as_fd().try_clone_to_owned().expect("one more descriptor");
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let passed = async { tokio::join!(pass(from_near, to_far, &ends), pass(from_far, to_near, &ends)) };
    tokio::select! {
        _ = passed => {}
        () = ends.keep_deaf_while_cut(&socket) => {}
    }
}

/// The end of a direction is passed on as its bytes are.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, ends: &Ends) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut bytes).await.unwrap_or(0);
        ends.until_whole().await;
        if length == 0 || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
        ends.passed.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::wait::until;

    /// Longer than loopback takes, shorter than a greeting that is dropped waits before it is sent again.
    const SHORT: Duration = Duration::from_millis(500);

    #[tokio::test]
    async fn what_is_cut_waits_and_what_is_mended_passes() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::to(server.local_addr().unwrap());
        let mut near = TcpStream::connect(wire.address()).await.unwrap();
        let (mut far, _) = server.accept().await.unwrap();
        near.write_all(b"one").await.unwrap();
        let mut heard = [0; 3];
        far.read_exact(&mut heard).await.unwrap();
        until("something that has passed", async || (wire.passed() == 1).then_some(())).await;
        wire.cut();
        far.write_all(b"six").await.unwrap();
        until("something that cannot pass", async || (wire.held() > 0).then_some(())).await;
        near.write_all(b"two").await.unwrap();
        let refused = timeout(SHORT, TcpStream::connect(wire.address())).await;
        assert!(refused.is_err(), "nobody answers a greeting: {refused:?}");
        let nothing = far.try_read(&mut [0; 3]);
        assert_eq!(nothing.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        wire.mend();
        far.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"two");
        near.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"six");
        drop(near);
        assert_eq!(far.read(&mut heard).await.unwrap(), 0, "and the end, too");
    }
}
