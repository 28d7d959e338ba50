//! Judges what `strace` noted: did an answer leave before the sync that covers it?

use std::collections::HashMap;

/// What carries an answer to its client.
const SENDS: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];
/// What makes written bytes durable.
const SYNCS: [&str; 2] = ["fsync", "fdatasync"];
/// The calls that the judge has to see.
pub const JUDGED_CALLS: &str = "pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg";

/// One call to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments, as far as they were noted.
    pub arguments: String,
    /// What it answered; `None` if it never came back.
    pub result: Option<String>,
    /// The line on which it began.
    pub began: usize,
    /// The line on which it came back.
    pub ended: usize,
}

/// The calls of a trace, in the order in which they began.
#[must_use]
pub fn calls(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, what)) = line.trim_start().split_once(' ') else { continue };
        let what = what.trim_start();
        if what.starts_with("<... ") {
            if let Some(place) = unfinished.remove(thread) {
                let call: &mut Call = &mut calls[place];
                call.result = result(what);
                call.ended = number;
            }
        } else if let Some((name, arguments)) = what.split_once('(') {
            if arguments.ends_with("<unfinished ...>") {
                unfinished.insert(thread, calls.len());
            }
            let result = result(arguments);
            let ended = if result.is_some() { number } else { usize::MAX };
            calls.push(Call {
                name: name.to_owned(),
                arguments: arguments.to_owned(),
                result,
                began: number,
                ended,
            });
        }
    }
    calls
}

fn result(line: &str) -> Option<String> {
    Some(line.rsplit_once(" = ")?.1.trim().to_owned())
}

impl Call {
    fn writes_the_log(&self) -> bool {
        self.name == "pwrite64" && self.arguments.contains("-wal>")
    }

    fn syncs_the_log(&self) -> bool {
        SYNCS.contains(&self.name.as_str())
            && self.arguments.contains("-wal>")
            && self.result.as_deref() == Some("0")
    }

    fn answers(&self, status: &str) -> bool {
        SENDS.contains(&self.name.as_str()) && self.arguments.contains(&format!("\"HTTP/1.1 {status}"))
    }
}

/// LOG-1: how many answers of 201 left, each after the sync that covers what was last written to the write-ahead log.
///
/// Requests must have come one after the other and nothing else must have been written meanwhile: then everything
/// that stands in the log before an answer belongs to it or to an earlier one.
///
/// # Errors
/// The first answer that left too early.
pub fn answers_after_sync(trace: &str) -> Result<usize, String> {
    let calls = calls(trace);
    let mut answers = 0;
    let mut previous = 0;
    for answer in calls.iter().filter(|call| call.answers("201")) {
        let before = calls.iter().filter(|call| call.began < answer.began);
        let Some(written) = before.clone().rfind(|call| call.writes_the_log()) else {
            return Err(format!("line {}: answered, and nothing was written", answer.began + 1));
        };
        if written.began < previous {
            return Err(format!("line {}: answered, and nothing new was written", answer.began + 1));
        }
        let covers =
            |call: &Call| call.syncs_the_log() && call.began > written.ended && call.ended < answer.began;
        if !before.clone().any(covers) {
            return Err(format!(
                "line {}: answered before line {} was synced",
                answer.began + 1,
                written.began + 1
            ));
        }
        previous = answer.began;
        answers += 1;
    }
    Ok(answers)
}

/// The trace as it would be had nothing been synced.
#[must_use]
pub fn without_syncs(trace: &str) -> String {
    let is_sync = |line: &&str| {
        SYNCS.iter().any(|sync| line.contains(&format!("{sync}(")) || line.contains(&format!("{sync} ")))
    };
    trace.lines().filter(|line| !is_sync(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
100 pwrite64(9</d/cstar.db-wal>, "\0\0"..., 24, 32) = 24
100 pwrite64(9</d/cstar.db-wal>, "{\"a\" = \"b\"}"..., 4096, 56) = 4096
101 write(4<anon_inode:[eventfd]>, "\1\0", 8) = 8
100 fdatasync(9</d/cstar.db-wal> <unfinished ...>
101 sendto(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, "HTTP/1.1 200 OK\r\n"..., 90, MSG_NOSIGNAL, NULL, 0) = 90
100 <... fdatasync resumed>)           = 0
101 sendto(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, "HTTP/1.1 201 Created\r\n"..., 190, MSG_NOSIGNAL, NULL, 0) = 190
100 +++ exited with 0 +++
"#;

    #[test]
    fn an_answer_after_its_sync_is_sound() {
        assert_eq!(answers_after_sync(SOUND), Ok(1));
        let calls = calls(SOUND);
        assert_eq!(calls[1].result.as_deref(), Some("4096"));
        assert_eq!((calls[3].began, calls[3].ended), (4, 6));
    }

    /// LOG-1: the judge sees a sync that is missing, that failed, that came too early, and that came too late.
    #[test]
    fn an_answer_without_its_sync_is_found() {
        let refused = |trace: &str| answers_after_sync(trace).unwrap_err();
        assert!(refused(&without_syncs(SOUND)).contains("before line 3 was synced"));
        assert!(
            refused(&SOUND.replace("= 0\n", "= -1 EIO (Input/output error) (INJECTED)\n")).contains("synced")
        );
        let early: String =
            SOUND.lines().filter(|line| !line.contains("4096")).map(|line| format!("{line}\n")).collect();
        let early = early.replace(
            "101 sendto(12<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"HTTP/1.1 200",
            "100 pwrite64(9</d/cstar.db-wal>, \"x\", 1, 1) = 1\n101 sendto(1, \"",
        );
        assert!(refused(&early).contains("synced"));
        assert!(refused(&SOUND.replace("HTTP/1.1 200", "HTTP/1.1 201")).contains("synced"));
    }

    #[test]
    fn an_answer_without_a_write_is_found() {
        let twice = format!(
            "{SOUND}101 writev(12<TCP:[1]>, [{{iov_base=\"HTTP/1.1 201 Created\", iov_len=9}}], 1) = 9\n"
        );
        assert!(answers_after_sync(&twice).unwrap_err().contains("nothing new was written"));
        let idle = r#"1 write(3<TCP:[1]>, "HTTP/1.1 201 Created", 20) = 20"#;
        assert!(answers_after_sync(idle).unwrap_err().contains("nothing was written"));
    }
}
