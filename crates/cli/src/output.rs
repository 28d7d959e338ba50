//! What commands print: data on stdout, everything else on stderr.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use cstar_client::Gap;
use serde::Serialize;

use crate::args::Color;
use crate::exit::CliError;

/// How a line of stderr looks.
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const STRONG: Style = Style::new().bold();

/// The two channels of a command.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    pub(crate) fn new(json: bool, color: Color) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { json }
    }

    /// Whether what goes to stderr may have colours.
    pub(crate) fn notes_have_colours(self) -> bool {
        anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
    }

    /// A line of data.
    pub(crate) fn line(self, text: &str) -> Result<(), CliError> {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}")?;
        stdout.flush()?;
        Ok(())
    }

    /// A line for people.
    pub(crate) fn note(self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// One thing: a line of JSON, or as many lines as it takes to be read.
    pub(crate) fn thing(self, thing: &impl Serialize) -> Result<(), CliError> {
        let text = if self.json { serde_json::to_string(thing) } else { serde_json::to_string_pretty(thing) };
        self.line(&text.map_err(|error| std::io::Error::other(error.to_string()))?)
    }

    /// A list: a line of JSON each, or a table whose cells `row` makes.
    pub(crate) fn list<T: Serialize>(
        self,
        heads: &[&str],
        things: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), CliError> {
        if self.json {
            return things.iter().try_for_each(|thing| self.thing(thing));
        }
        let rows: Vec<Vec<String>> = things.iter().map(row).collect();
        if rows.is_empty() {
            self.note("none");
            return Ok(());
        }
        table(heads, &rows).iter().try_for_each(|line| self.line(line))
    }
}

/// Columns as wide as their widest cell, two blanks apart.
fn table(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = line(&mut heads.iter().copied());
    let body = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(format!("{DIM}{head}{DIM:#}")).chain(body).collect()
}

/// What could not be replayed.
pub(crate) fn missed(Gap { from, to, reason }: &Gap) -> String {
    let from = from.map(|from| format!("after {from} ")).unwrap_or_default();
    format!("events {from}up to {to} cannot be replayed ({reason})")
}

/// Text from outside, made harmless for a terminal: control characters could move the cursor or change its colours.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// The same for a text of several lines.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            [vec!["a".to_owned(), "wide cell".to_owned()], vec!["long cell".to_owned(), "é".to_owned()]];
        let lines = table(&["ID", "NAME"], &rows);
        assert_eq!(lines[1..], ["a          wide cell", "long cell  é"]);
    }

    #[test]
    fn a_hostile_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{9b}1m"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}1m");
        assert_eq!(harmless_lines("a\u{1b}\n b\n"), "a\u{fffd}\n b");
    }
}
