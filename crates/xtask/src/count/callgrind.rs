//! How callgrind is called, and what it reports.

use std::path::Path;
use std::process::Command;

/// The function of `crates/count/examples/count.rs` that the counter is on in, whichever way its name is mangled.
const TOGGLE: &str = "--toggle-collect=*counted_run*";

/// Runs one function so many times, and writes what was counted to `out`.
pub(super) fn command(program: &Path, name: &str, runs: u64, out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", TOGGLE]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(program).args([name, &runs.to_string()]);
    command
}

/// The instructions of a report; `None` where none were counted, or it is no report.
pub(super) fn total(report: &str) -> Option<u64> {
    let mut lines = report.lines();
    lines.find(|line| *line == "events: Ir")?;
    let total = lines.find_map(|line| line.strip_prefix("totals: "))?;
    total.trim().parse().ok().filter(|instructions| *instructions > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 7
cmd: target/debug/examples/count lane_step 100
part: 1

desc: Timerange: Basic block 0 - 9
desc: Trigger: Program termination

positions: line
events: Ir
summary: 52100

fn=(1) counted_run
40 100
+2 52000

totals: 52100
";

    #[test]
    fn the_total_is_read() {
        assert_eq!(total(REPORT), Some(52_100));
    }

    #[test]
    fn what_counts_nothing_is_no_count() {
        assert_eq!(total(&REPORT.replace("totals: 52100", "totals: 0")), None, "the counter was never on");
        assert_eq!(total(&REPORT.replace("totals: 52100\n", "")), None, "it was cut short");
        assert_eq!(total(&REPORT.replace("events: Ir", "events: Ir Dr")), None, "something else was counted");
        assert_eq!(total(""), None);
    }

    #[test]
    fn the_program_is_run_under_callgrind() {
        let command = command(Path::new("count"), "lane_step", 100, Path::new("out"));
        assert_eq!(
            crate::process::describe(&command),
            "valgrind --tool=callgrind --quiet --toggle-collect=*counted_run* --callgrind-out-file=out \
             count lane_step 100"
        );
    }
}
