//! What the looks so far have shown.

use std::collections::VecDeque;

use banter_core::overview::{Count, Counts, Part};
use chrono::{DateTime, TimeDelta, Utc};

use crate::desk::Look;
use crate::screens::words;

/// How many looks the graph remembers: more than any terminal has columns.
const REMEMBERED: usize = 600;
/// Jobs that wait longer than this past their time are worth a word.
const LATE: TimeDelta = TimeDelta::seconds(60);
pub const PARTS: [&str; 3] = ["PostgreSQL", "Redis", "Server"];

#[derive(Default)]
pub struct Health {
    pub latest: Option<Look>,
    /// For each of [`PARTS`], when it was first found away, while it is.
    pub away_since: [Option<DateTime<Utc>>; 3],
    /// The last counts there were, and when.
    pub known: Option<(DateTime<Utc>, Counts)>,
    /// People online: when, and how many if that could be told; the newest first.
    pub online: VecDeque<(DateTime<Utc>, Option<u64>)>,
}

impl Health {
    /// Takes note of a look.
    pub fn take(&mut self, look: Look) {
        let at = look.overview.at;
        for (since, part) in self.away_since.iter_mut().zip(parts(&look)) {
            *since = if let Part::Away { .. } = part { since.or(Some(at)) } else { None };
        }
        if let Ok(counts) = &look.overview.counts {
            self.known = Some((at, counts.clone()));
        }
        self.online.push_front((at, look.overview.online));
        self.online.truncate(REMEMBERED);
        self.latest = Some(look);
    }
}

/// What somebody should look after, in a few words each.
pub fn troubles(look: &Look) -> Vec<String> {
    let away: Vec<&str> = PARTS
        .into_iter()
        .zip(parts(look))
        .filter(|(_, part)| matches!(part, Part::Away { .. }))
        .map(|(name, _)| name)
        .collect();
    let mut troubles = Vec::new();
    if !away.is_empty() {
        troubles.push(format!("Away: {}", away.join(", ")));
    }
    match &look.overview.counts {
        Ok(counts) => {
            if counts.jobs_dead != Count::Exact(0) {
                troubles.push(format!("Dead jobs: {}", words::count(counts.jobs_dead)));
            }
            if lateness(look.overview.at, counts).is_some() {
                troubles.push("Jobs are late".into());
            }
        }
        Err(_) if matches!(look.overview.database, Part::Away { .. }) => {}
        Err(_) => troubles.push("Nothing could be counted".into()),
    }
    troubles
}

/// In the order of [`PARTS`].
pub fn parts(look: &Look) -> [&Part; 3] {
    [&look.overview.database, &look.overview.redis, &look.server]
}

/// How long the first of the waiting jobs has been due, when that is too long.
pub fn lateness(at: DateTime<Utc>, counts: &Counts) -> Option<TimeDelta> {
    counts.jobs_next.map(|next| at - next).filter(|late| *late > LATE)
}
