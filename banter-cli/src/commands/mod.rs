//! One file a command: its arguments, a call of core, and how the answer is shown.

pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod dev;
mod export;
pub(crate) mod jobs;
pub(crate) mod ledger;
pub(crate) mod livekit;
pub(crate) mod migrate;
pub(crate) mod moderators;
pub(crate) mod payments;
pub(crate) mod reports;
pub(crate) mod rooms;
pub(crate) mod rules;
pub(crate) mod seed;
pub(crate) mod stats;
pub(crate) mod user;

use banter_core::Banter;
use banter_core::moderation::{self, Staff};
use chrono::{DateTime, Utc};

use crate::exit::Failure;
use crate::printer::Printer;

/// Who of the staff acts: whoever is named, or else the operator.
async fn acting(banter: &Banter, name: Option<&str>) -> Result<Staff, Failure> {
    let Some(name) = name else { return Ok(Staff::OPERATOR) };
    let id = user::find(banter, name).await?;
    banter.moderation().staff_member(id).await.map_err(|error| match error {
        moderation::Error::NotStaff => Failure::user(format!("{name} is not staff"))
            .hint("`banter mod add NAME --role moderator` makes somebody staff"),
        error => error.into(),
    })
}

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
