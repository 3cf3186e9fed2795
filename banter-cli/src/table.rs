//! Columns, for eyes. Programs ask for `--json`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// Text with the style it is shown in.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        // Text from people and from other programs must not steer the terminal.
        Self { text: text.to_string().replace(char::is_control, " "), style: Style::new() }
    }
}

pub(crate) fn good(text: impl Into<Cell>) -> Cell {
    Cell { style: AnsiColor::Green.on_default(), ..text.into() }
}

pub(crate) fn notable(text: impl Into<Cell>) -> Cell {
    Cell { style: AnsiColor::Yellow.on_default(), ..text.into() }
}

pub(crate) fn bad(text: impl Into<Cell>) -> Cell {
    Cell { style: AnsiColor::Red.on_default().bold(), ..text.into() }
}

pub(crate) fn faint(text: impl Into<Cell>) -> Cell {
    Cell { style: Style::new().dimmed(), ..text.into() }
}

/// A heading, and rows below it, each column as wide as its widest text.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<Cell>>) -> String {
    let style = Style::new().bold();
    let heading = heading.iter().map(|text| Cell { text: (*text).to_owned(), style }).collect();
    columns(std::iter::once(heading).chain(rows).collect())
}

/// Names on the left, what they are on the right.
pub(crate) fn fields(fields: Vec<(&str, Cell)>) -> String {
    let style = Style::new().bold();
    columns(
        fields.into_iter().map(|(name, value)| vec![Cell { text: name.to_owned(), style }, value]).collect(),
    )
}

fn columns(rows: Vec<Vec<Cell>>) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|i| rows.iter().filter_map(|row| row.get(i)).map(|c| c.text.chars().count()).max().unwrap_or(0))
        .collect();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut line = String::new();
        let last = row.len().saturating_sub(1);
        for (i, cell) in row.iter().enumerate() {
            let style = cell.style;
            let _ = write!(line, "{style}{}{style:#}", cell.text);
            if i < last {
                let padding = widths[i] - cell.text.chars().count() + 2;
                let _ = write!(line, "{:padding$}", "");
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        assert_eq!(fields(vec![("k", "a\x1b[2Jb\nc".into())]), "\x1b[1mk\x1b[0m  a [2Jb c");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_text() {
        let rows = vec![vec!["a".into(), good("नमस्ते")], vec!["long".into(), "b".into()]];
        let plain = anstream::adapter::strip_str(&table(&["K", "VALUE"], rows)).to_string();
        assert_eq!(plain, "K     VALUE\na     नमस्ते\nlong  b");
    }
}
