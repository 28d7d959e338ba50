//! `cstar check`.

use cstar_server::offline::{self, Finding, Looked};
use serde_json::json;

use super::blocking;
use crate::args::{Check, Global};
use crate::exit::{CliError, Failure};
use crate::output::{BAD, Output};
use crate::progress::Progress;

/// For what nodes share.
const OF_DATABASE: &str = "PostgreSQL looks through its own, with `pg_amcheck --heapallindexed`, and through its page checksums at each read";

/// Looks at everything, and says what is not as it was written.
pub(crate) async fn run(global: &Global, asked: Check, output: Output) -> Result<(), CliError> {
    let place = asked.place.place(global, output, OF_DATABASE)?;
    let data = place.data.display().to_string();
    let findings = blocking(move || {
        let (mut findings, mut said) = (0, Ok(()));
        let mut progress = Progress::of("looked at");
        let checked = offline::check(&place, &mut |looked| match looked {
            Looked::At { part, rows } => progress.show(|what| format!("{what} {rows} rows, at {part}")),
            Looked::Found(finding) => {
                findings += 1;
                progress.clear();
                if said.is_ok() {
                    said = show(&finding, output);
                }
            }
        });
        said?;
        checked?;
        Ok(findings)
    });
    match findings.await? {
        0 => {
            output.note(&format!("{data} is as it was written"));
            Ok(())
        }
        findings => {
            let what = if findings == 1 { "finding" } else { "findings" };
            let damaged = format!("{data} is not as it was written: {findings} {what}");
            Err(CliError::new(Failure::Unexpected, damaged)
                .hint("copy the directory before anything is changed in it"))
        }
    }
}

fn show(finding: &Finding, output: Output) -> Result<(), CliError> {
    let (about, what, remedy) = (finding.about.as_str(), &finding.what, finding.about.remedy());
    output.line(&match output.json {
        true => json!({"about": about, "what": what, "remedy": remedy}).to_string(),
        false => format!("{BAD}{about}:{BAD:#} {what}\n  {remedy}"),
    })
}
