//! The rows of a list: as many as were asked for, over as many pages as that takes.

use cstar_client::Pages;
use cstar_types::limits::PAGE_MAX_ROWS;
use serde::de::DeserializeOwned;

use crate::args::Rows;
use crate::exit::CliError;
use crate::output::Output;

/// Collects rows, and says on stderr where the list goes on.
pub(crate) async fn collect<T: DeserializeOwned>(
    pages: Pages<T>,
    rows: &Rows,
    output: Output,
) -> Result<Vec<T>, CliError> {
    let mut pages = pages.limit(rows.limit.clamp(1, PAGE_MAX_ROWS));
    if let Some(after) = &rows.after {
        pages = pages.after(after);
    }
    let mut found = Vec::new();
    while found.len() < rows.limit {
        let Some(page) = pages.next_page().await? else { break };
        found.extend(page.data);
        if let (true, Some(next)) = (found.len() >= rows.limit, page.next) {
            output.note(&format!("more: --after {next}"));
        }
    }
    found.truncate(rows.limit);
    Ok(found)
}
