//! A command that runs beside the test.

use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use cstar_testkit::{DEADLINE, Signal, send, until};

use crate::home::{Ended, Home, Typed};

/// A process, and what it has said so far. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    stdout: Said,
    stderr: Said,
}

/// What came through one pipe so far.
struct Said {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Said {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let text: Arc<Mutex<Vec<u8>>> = Arc::default();
        let heard = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                heard.lock().expect("nobody panics with it").extend_from_slice(&chunk[..length]);
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("nobody panics with it")).into_owned()
    }
}

impl Running {
    pub(crate) fn spawn(command: &mut Command, stdin: Typed) -> Self {
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        if let Typed::Text(text) = stdin {
            let mut pipe = child.stdin.take().expect("a pipe");
            // Whoever does not read its input is told nothing.
            std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
        }
        let stdout = Said::read(child.stdout.take().expect("a pipe"));
        let stderr = Said::read(child.stderr.take().expect("a pipe"));
        Self { child, stdout, stderr }
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until its standard output holds `words`, so often.
    pub(crate) async fn until_said_times(&self, words: &str, times: usize) {
        self.until_holds(words, times, || self.stdout()).await;
    }

    /// Waits until its standard output holds `words`.
    pub(crate) async fn until_said(&self, words: &str) {
        self.until_said_times(words, 1).await;
    }

    /// Waits until its standard error holds `words`.
    pub(crate) async fn until_noted(&self, words: &str) {
        self.until_holds(words, 1, || self.stderr()).await;
    }

    async fn until_holds(&self, words: &str, times: usize, text: impl Fn() -> String) {
        let began = Instant::now();
        until(words, async || {
            // Before whoever waits gives up without having seen what was said instead.
            let late = began.elapsed() > DEADLINE.mul_f32(0.9);
            assert!(!late, "no `{words}` {times} times in\n{}--- stderr\n{}", self.stdout(), self.stderr());
            (text().matches(words).count() >= times).then_some(())
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.child.id(), signal);
    }

    /// Waits until it minds interrupts by itself.
    pub(crate) async fn until_it_minds_interrupts(&self) {
        /// The bit of SIGINT.
        const INTERRUPT: u64 = 1 << (2 - 1);
        let path = format!("/proc/{}/status", self.child.id());
        until("the command to mind interrupts", async || {
            let status = std::fs::read_to_string(&path).ok()?;
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            (u64::from_str_radix(caught.trim(), 16).ok()? & INTERRUPT != 0).then_some(())
        })
        .await;
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(mut self, home: &Home) -> Ended {
        let child = &mut self.child;
        let status = until("the command to end", async || child.try_wait().expect("our own child")).await;
        for said in [&self.stdout, &self.stderr] {
            // What it started may hold the pipes open.
            until("the end of the output", async || said.reader.is_finished().then_some(())).await;
        }
        home.ended(status.code(), self.stdout(), self.stderr())
    }

    /// Interrupts it over and over: two interrupts that come close together may count as one.
    pub(crate) async fn interrupted_until_it_ends(mut self, home: &Home) -> Ended {
        until("an interrupt to end it", async || {
            self.signal(Signal::INT);
            self.child.try_wait().expect("our own child").map(|_| ())
        })
        .await;
        self.ended(home).await
    }

    /// Interrupts it, as Ctrl-C does, and waits until it has ended.
    pub(crate) async fn interrupted(self, home: &Home) -> Ended {
        self.signal(Signal::INT);
        self.ended(home).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
