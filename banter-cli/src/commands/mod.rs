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
pub(crate) mod rooms;
pub(crate) mod seed;
pub(crate) mod stats;
pub(crate) mod user;

use chrono::{DateTime, Utc};

/// A time for eyes.
fn when(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 migration`, `2 migrations`, `1,000 migrations`.
fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", indicatif::HumanCount(number))
}
