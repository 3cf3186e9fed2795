//! One file a command: its arguments, a call of core, and how the answer is shown.

pub(crate) mod calls;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod dev;
pub(crate) mod jobs;
pub(crate) mod ledger;
pub(crate) mod livekit;
pub(crate) mod migrate;
pub(crate) mod payments;
pub(crate) mod rooms;
pub(crate) mod seed;
pub(crate) mod stats;
pub(crate) mod user;

use chrono::{DateTime, Utc};

use crate::exit::Failure;
use crate::printer::Printer;

/// A time for eyes.
fn when(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 migration`, `2 migrations`, `1,000 migrations`.
fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", indicatif::HumanCount(number))
}

/// Has a word typed: whoever only presses Enter does nothing. `kept`: what stays as it is then.
fn confirm(question: impl std::fmt::Display, word: &str, kept: &str, out: &Printer) -> Result<(), Failure> {
    out.insist(format_args!("{question}\ntype `{word}` to go on"));
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == word {
        return Ok(());
    }
    Err(Failure::user(format!("not confirmed; {kept}")).hint("`--yes` does not ask"))
}
