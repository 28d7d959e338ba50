//! Somebody who has begun a transaction and does not end it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// A transaction that is open until this is dropped; then it is rolled back.
#[derive(Debug)]
pub struct OpenTransaction(Child);

impl OpenTransaction {
    pub(super) fn begin(mut psql: Command, statements: &str) -> Self {
        const DONE: &str = "done";
        let mut psql = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        let input = psql.stdin.as_mut().expect("it is piped");
        write!(input, "BEGIN;\n{statements};\n\\echo {DONE}\n").expect("it reads");
        let said = BufReader::new(psql.stdout.take().expect("it is piped")).lines();
        let is_done = said.map_while(Result::ok).any(|line| line == DONE);
        if !is_done {
            let mut why = String::new();
            let _ = psql.stderr.take().expect("it is piped").read_to_string(&mut why);
            panic!("{statements}: {why}");
        }
        Self(psql)
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
