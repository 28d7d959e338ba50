//! An endpoint that is sometimes well.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::receiver::{Receiver, Reply};

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Fails,
    /// To this place, where nobody may go.
    Redirects(SocketAddr),
    HangsUp,
    Garbles,
    NeverAnswers,
    Drips,
    /// A 200, and a body without an end.
    Floods,
    /// A megabyte of headers.
    LongHead,
    /// Interim answers without an end.
    Interim,
    /// A little gzip that is a lot.
    Bomb,
}

impl Mood {
    pub(crate) const fn bad(canary: SocketAddr) -> [Self; 10] {
        [
            Self::Fails,
            Self::Redirects(canary),
            Self::HangsUp,
            Self::Garbles,
            Self::NeverAnswers,
            Self::Drips,
            Self::Floods,
            Self::LongHead,
            Self::Interim,
            Self::Bomb,
        ]
    }

    fn reply(self) -> Reply {
        match self {
            Self::Well => Reply::status(200),
            Self::Fails => Reply::status(500).body("not today"),
            Self::Redirects(to) => Reply::status(302).header("location", &format!("http://{to}/")),
            Self::HangsUp => Reply::hang_up(),
            Self::Garbles => Reply::raw("SMTP/1.0 what?\r\n\r\n"),
            Self::NeverAnswers => Reply::never(),
            Self::Drips => Reply::status(200).body("drip").dripping(Duration::from_millis(200)),
            Self::Floods => Reply::status(200).endless_body(vec![b'x'; 64 << 10]),
            Self::LongHead => Reply::status(200).header("x-long", &"x".repeat(1 << 20)),
            Self::Interim => Reply::flood("HTTP/1.1 100 Continue\r\n\r\n"),
            // Ten bytes of a gzip's head, and zeros as its squeezed text: nobody is to unpack it.
            Self::Bomb => Reply::status(200)
                .header("content-encoding", "gzip")
                .body([&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 32 << 10]].concat()),
        }
    }
}

/// A receiver with moods.
#[derive(Debug)]
pub(crate) struct Moody {
    pub(crate) receiver: Receiver,
    mood: Arc<Mutex<Mood>>,
}

impl Moody {
    pub(crate) async fn new() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Well));
        let present = Arc::clone(&mood);
        let receiver = Receiver::new(move |_| present.lock().expect("nobody panics with it").reply()).await;
        Self { receiver, mood }
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panics with it") = mood;
    }
}
