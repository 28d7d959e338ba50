//! A proxy that opens tunnels (`CONNECT`), or does what proxies do when they do not.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a [`Proxy`] does when it is asked for a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyReply {
    /// Opens it.
    Tunnel,
    /// Refuses with this status.
    Refuse(u16),
    /// Says nothing, and leaves the connection open.
    Never,
    /// Closes the connection.
    Close,
    /// Sends something that is no HTTP.
    Garbage,
    /// Sends a head of so many bytes.
    LongHead(usize),
    /// Opens the tunnel and speaks in the other end's place.
    SpeakFirst,
}

/// A proxy on a port of its own, gone when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that always does the same.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn new(reply: ProxyReply) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("there is a free port"), reply)
    }

    /// Starts one at this address, where one was before.
    ///
    /// # Panics
    /// When it is taken.
    pub async fn at(address: SocketAddr, reply: ProxyReply) -> Self {
        Self::on(TcpListener::bind(address).await.expect("it is free"), reply)
    }

    fn on(listener: TcpListener, reply: ProxyReply) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, reply, Arc::clone(&heard)));
            }
        });
        Self { address, asked, serving }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of all requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    mut client: TcpStream,
    reply: ProxyReply,
    asked: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    asked.lock().push(head);
    match reply {
        ProxyReply::Tunnel => {
            let target = target.unwrap_or_default();
            let mut endpoint = TcpStream::connect(target).await?;
            client.write_all(ESTABLISHED).await?;
            copy_bidirectional(&mut client, &mut endpoint).await?;
        }
        ProxyReply::Refuse(status) => {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\nno!\n");
            client.write_all(answer.as_bytes()).await?;
            client.read_u8().await?;
        }
        ProxyReply::Never => {
            client.read_u8().await?;
        }
        ProxyReply::Close => {}
        ProxyReply::Garbage => client.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await?,
        ProxyReply::LongHead(bytes) => {
            client.write_all(b"HTTP/1.1 200 OK\r\nX-Filler: ").await?;
            client.write_all(&vec![b'x'; bytes]).await?;
            client.write_all(b"\r\n\r\n").await?;
            client.read_u8().await?;
        }
        ProxyReply::SpeakFirst => {
            client.write_all(ESTABLISHED).await?;
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
            client.read_u8().await?;
        }
    }
    Ok(())
}
