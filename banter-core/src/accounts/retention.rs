//! What is held, what becomes of it when an account is deleted, how long it is held otherwise, and why. Every table and
//! every column stands in [`tables`]; a test compares the list with the schema, and `docs/data-retention.md` is written
//! from it. Whoever adds a table or a column says in `people`, `voice` or `records` what becomes of it.

mod people;
mod records;
mod voice;

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::deletion::NAME;

/// Every table, in the order of what people ask about first.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    people::PEOPLE.iter().chain(voice::VOICE).chain(records::RECORDS)
}

const fn cols(names: &'static [&'static str], fate: Fate, why: &'static str) -> Columns {
    Columns { names, fate, why }
}

/// What becomes of a table's rows, or of some of its columns, when the account they belong to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Gone with the account's deletion.
    Deleted,
    /// Emptied, or set to what every deleted account has.
    Anonymised,
    /// Stays as it is.
    Kept,
    /// Tells of nobody.
    Nobody,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Anonymised => "anonymised",
            Self::Kept => "kept",
            Self::Nobody => "tells of nobody",
        }
    }
}

/// Columns that share a fate, and why it is that one.
pub struct Columns {
    pub names: &'static [&'static str],
    pub fate: Fate,
    pub why: &'static str,
}

/// How long rows live while their account does.
#[derive(Clone, Copy)]
pub enum Life {
    /// As long as the account, or until their owner removes them.
    Account,
    /// This long after they are over.
    For(TimeDelta, &'static str),
    /// For ever.
    Always,
}

pub struct Table {
    pub name: &'static str,
    /// What a row is.
    pub holds: &'static str,
    pub life: Life,
    pub columns: &'static [Columns],
}

const HEAD: &str = "\
# What is held, how long, and what deletion leaves

<!-- Written by `banter user retention`; edit banter-core/src/accounts/retention/ instead. -->

Somebody deletes their account in the app (`DELETE /api/users/me`, after signing in to Firebase again), or asks support, who
runs `banter user delete`. Both do the same: in one transaction everything below happens, every login ends on every server
within seconds, and the phone number can register again. Two minutes later a job clears away what was being written at that
very moment. Before that they can take everything with them: `GET /api/users/me/export`.

A dump of the database that a test makes after a deletion holds none of the person's number, address, names, places, phones
and files. Messages keep their text: it is the others' conversation too, and its author is shown as `";

const TAIL: &str = "
## Outside the database

- **Redis** holds presence for a minute and the counters of rate limits for a day at most, by id, or by Firebase's uid.
- **Object storage** holds the files; the collector removes those of a deleted account.
- **Logs** name people by id only, never by number or name.
- **Firebase** keeps its own account of the phone number: it is not deleted there yet, since that takes a service account
  with the right to; until then its console does it. It holds nothing of Banter's.
- **Backups** end as the hosting's retention says; a restored one must have the deletions since run again.
";

/// The text of `docs/data-retention.md`.
pub fn document() -> String {
    let mut text =
        format!("{HEAD}{NAME}`.\n\n| what | while the account lives | when it is deleted |\n|---|---|---|\n");
    for table in tables() {
        let life = match table.life {
            Life::Account => "until its owner removes it".to_owned(),
            Life::For(time, after) => format!("{} {after}", period(time)),
            Life::Always => "for good".to_owned(),
        };
        let mut fates: Vec<&str> = Vec::new();
        for columns in table.columns {
            if !fates.contains(&columns.fate.word()) {
                fates.push(columns.fate.word());
            }
        }
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}): {1} | {life} | {2} |",
            table.name,
            table.holds,
            fates.join(", ")
        );
    }
    for table in tables() {
        let _ = write!(
            text,
            "\n## {}\n\n{}.\n\n| columns | on deletion | why |\n|---|---|---|\n",
            table.name,
            sentence(table.holds)
        );
        for columns in table.columns {
            let names: Vec<String> = columns.names.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "| {} | {} | {} |", names.join(" "), columns.fate.word(), columns.why);
        }
    }
    text + TAIL
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn period(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours()) {
        (0, 0) => format!("{} minutes", time.num_minutes()),
        (0 | 1, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}
