//! One keep-alive connection that waits for each answer: for what is done once, and for a publisher that has its turns.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Head;
use crate::Failure;

/// Nothing that is asked here takes so long.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    stream: TcpStream,
    address: SocketAddr,
    key: &'static str,
    read: Vec<u8>,
}

impl Client {
    pub(crate) fn open(address: SocketAddr, key: &'static str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { stream, address, key, read: Vec::new() })
    }

    /// Answers status and body.
    pub(crate) fn get(&mut self, path: &str) -> Result<(u16, &[u8]), Failure> {
        let Self { address, key, .. } = self;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\r\n");
        self.send(request.as_bytes())
    }

    /// Posts what must be taken: another status than 201 is a failure.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<&[u8], Failure> {
        let template = super::Template::post(self.address, path, self.key, body);
        let (status, answer) = self.send(template.bytes())?;
        if status != 201 {
            return Err(format!("POST {path}: {status}: {}", String::from_utf8_lossy(answer)).into());
        }
        Ok(answer)
    }

    /// Sends a whole request, and waits for the whole answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<(u16, &[u8]), Failure> {
        self.stream.write_all(request)?;
        self.read.clear();
        let head = loop {
            self.read_more()?;
            if let Some(head) = Head::parse(&self.read) {
                break head;
            }
        };
        while self.read.len() < head.message_len() {
            self.read_more()?;
        }
        Ok((head.status, &self.read[head.len..head.message_len()]))
    }

    /// The whole last answer, head and body.
    pub(crate) fn last_answer(&self) -> &[u8] {
        &self.read
    }

    fn read_more(&mut self) -> Result<(), Failure> {
        let mut more = [0; 16 * 1024];
        match self.stream.read(&mut more)? {
            0 => Err("the server closed a connection".into()),
            came => {
                self.read.extend_from_slice(&more[..came]);
                Ok(())
            }
        }
    }
}
