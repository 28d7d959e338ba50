//! How a TCP connection stands, as the kernel tells it over netlink (sock_diag(7)): what `getsockopt(TCP_INFO)` tells,
//! for which there is no safe call.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use tokio::net::{TcpListener, TcpStream};

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    local: SocketAddr,
    peer: SocketAddr,
}

/// Whether a peer acknowledges what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Bytes, or questions whether there is room for some, were sent since its last acknowledgement. A peer without room
    /// acknowledges such questions, and may leave bytes unacknowledged all the same.
    pub(super) owes: bool,
    /// How long ago it acknowledged anything.
    pub(super) silent_for: Duration,
}

// linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, linux/tcp.h
const QUESTION_BYTES: u32 = 72;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const INET_DIAG_INFO: u16 = 2;
const ANY_STATE: u32 = u32::MAX;
const ANY_COOKIE: u64 = u64::MAX;
/// `struct nlmsghdr` and `struct inet_diag_msg`, behind which the attributes stand.
const ANSWER_HEAD_BYTES: usize = 16 + 72;
/// Where `struct tcp_info` has `tcpi_probes`, `tcpi_unacked`, `tcpi_last_data_sent` and `tcpi_last_ack_recv`.
const PROBES: usize = 3;
/// A single question for room may be lost, or left out by the peer's kernel, which answers two in a second. The next one
/// comes up to two minutes later.
const PROBES_OWED: u8 = 2;
const UNACKED: usize = 24;
const LAST_DATA_SENT: usize = 44;
const LAST_ACK_RECV: usize = 56;

impl Ends {
    pub(super) fn of(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self { local: stream.local_addr()?, peer: stream.peer_addr()? })
    }

    /// Whether the system answers such questions: some sandboxes do not.
    pub(super) fn are_known(listener: &TcpListener) -> io::Result<()> {
        let local = listener.local_addr()?;
        let standing = Self { local, peer: local }.standing()?;
        // A kernel without this kind of questions answers as if there were no such socket; this one there is.
        standing.map(drop).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// How the connection stands; `None` where there is no such connection any more. Does not wait.
    ///
    /// # Errors
    /// When the system does not answer such questions.
    pub(super) fn standing(&self) -> io::Result<Option<Standing>> {
        let protocol = Some(netlink::SOCK_DIAG);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, protocol)?;
        send(&socket, &self.question(), SendFlags::empty())?;
        let mut answer = [0; 2048];
        let (len, _) = recv(&socket, &mut answer, RecvFlags::DONTWAIT)?; // it is answered while it is sent
        Ok(read(&answer[..len]))
    }

    /// `struct nlmsghdr` and `struct inet_diag_req_v2`.
    fn question(&self) -> Vec<u8> {
        let (family, interface) = match self.peer {
            SocketAddr::V4(_) => (AF_INET, 0),
            SocketAddr::V6(peer) => (AF_INET6, peer.scope_id()),
        };
        let attributes = 1 << (INET_DIAG_INFO - 1);
        let mut question = Vec::with_capacity(QUESTION_BYTES as usize);
        question.extend(QUESTION_BYTES.to_ne_bytes());
        question.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        question.extend(NLM_F_REQUEST.to_ne_bytes());
        question.extend([0; 8]); // number and sender: there is one question and one who asks
        question.extend([family, IPPROTO_TCP, attributes, 0]);
        question.extend(ANY_STATE.to_ne_bytes());
        question.extend(self.local.port().to_be_bytes());
        question.extend(self.peer.port().to_be_bytes());
        question.extend(address(self.local.ip()));
        question.extend(address(self.peer.ip()));
        question.extend(interface.to_ne_bytes());
        question.extend(ANY_COOKIE.to_ne_bytes());
        question
    }
}

fn address(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let mut address = [0; 16];
            address[..4].copy_from_slice(&ip.octets());
            address
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}

fn read(answer: &[u8]) -> Option<Standing> {
    if u16_at(answer, 4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let mut attributes = answer.get(ANSWER_HEAD_BYTES..)?;
    loop {
        let len = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..len)?;
        if u16_at(attributes, 2)? == INET_DIAG_INFO {
            return standing(value);
        }
        attributes = attributes.get(len.next_multiple_of(4)..)?;
    }
}

/// Reads `struct tcp_info`; its times are milliseconds ago.
fn standing(info: &[u8]) -> Option<Standing> {
    let (sent, acknowledged) = (u32_at(info, LAST_DATA_SENT)?, u32_at(info, LAST_ACK_RECV)?);
    let of_bytes = u32_at(info, UNACKED)? > 0 && sent < acknowledged;
    let of_questions = *info.get(PROBES)? >= PROBES_OWED;
    let silent_for = Duration::from_millis(acknowledged.into());
    Some(Standing { owes: of_bytes || of_questions, silent_for })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Both families, and the first as part of the second, as a listener on `[::]` has it.
    #[tokio::test]
    async fn a_connection_is_found_by_its_ends() {
        for (listens, connects) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")] {
            let listener = TcpListener::bind((listens, 0)).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let mut client = TcpStream::connect((connects, port)).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let ends = Ends::of(&server).unwrap();
            server.write_all(b"x").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'x');
            let standing = ends.standing().unwrap().expect("it is there");
            assert!(!standing.owes && standing.silent_for < Duration::from_secs(60), "{standing:?}");
            let other = Ends { local: ends.peer, peer: "127.0.0.1:1".parse().unwrap() };
            assert_eq!(other.standing().unwrap(), None);
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_says_nothing() {
        let mut answer = vec![0; ANSWER_HEAD_BYTES];
        answer[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        answer.extend(64_u16.to_ne_bytes());
        answer.extend(INET_DIAG_INFO.to_ne_bytes());
        answer.extend([2; 60]);
        assert!(read(&answer).is_some_and(|standing| standing.owes));
        for len in 0..answer.len() {
            assert_eq!(read(&answer[..len]), None, "{len}");
        }
        answer[ANSWER_HEAD_BYTES] = 0;
        answer[ANSWER_HEAD_BYTES + 1] = 0;
        assert_eq!(read(&answer), None, "an attribute that does not end");
    }
}
