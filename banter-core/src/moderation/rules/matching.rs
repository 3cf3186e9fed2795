//! What a rule looks for, compiled. Nothing here can be made to run for long: patterns are matched in time linear in the
//! text, and their size is bounded.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regex::{Regex, RegexBuilder};

use super::{Rule, State, Test};
use crate::error::Problems;
use crate::ids::UserId;
use crate::limits::Limit;
use crate::moderation::leaks::{self, Leaks};

/// Bytes of a compiled pattern, which bound what one character of a text may cost: a tenth of the crate's default.
const MOST_COMPILED: usize = 128 << 10;
/// Bytes of what it may remember while it runs, which makes it fast.
const MOST_REMEMBERED: usize = 2 << 20;
/// Bytes of a compiled list of words.
const MOST_COMPILED_WORDS: usize = 16 << 20;
/// Characters of a pattern; words of a list; characters of a word.
const LONGEST_PATTERN: usize = 1000;
const MOST_WORDS: usize = 2000;
const LONGEST_WORD: usize = 60;

pub struct Compiled {
    pub rule: Rule,
    pub state: State,
    matcher: Matcher,
}

enum Matcher {
    Pattern(Regex),
    Leaks,
    /// Needs to know what came before.
    Counting(Counting),
}

/// What a rule counts, and up to what.
pub(super) enum Counting {
    Same(Limit),
    NewAccount(TimeDelta, Limit),
}

/// A text as rules meet it, made once for all of them.
pub struct Text {
    pub(super) folded: String,
    leaks: OnceLock<Leaks>,
}

impl Text {
    pub fn new(text: &str) -> Self {
        Self { folded: leaks::fold(text), leaks: OnceLock::new() }
    }

    fn leaks(&self) -> Leaks {
        *self.leaks.get_or_init(|| leaks::find(&self.folded))
    }
}

impl Compiled {
    /// Says what is wrong with which field.
    pub fn new(rule: Rule, state: State) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let says = "must begin with a-z and be of a-z, 0-9, _ and -, 40 at most";
        problems.check("name", is_name(&rule.name), says);
        let matcher = match &rule.test {
            Test::Keywords { words } => problems.take("words", keywords(words)).map(Matcher::Pattern),
            Test::Regex { pattern } => problems.take("pattern", regex(pattern)).map(Matcher::Pattern),
            Test::Leak { kinds } => {
                problems.check("kinds", !kinds.is_empty(), "must name one kind at least");
                Some(Matcher::Leaks)
            }
            Test::Flood { times, seconds } => {
                problems.check("times", (1..=1000).contains(times), "must be 1 to 1000");
                problems.check("seconds", (1..=86_400).contains(seconds), "must be 1 to 86400");
                let window = Duration::from_secs(u64::from((*seconds).max(1)));
                Some(Matcher::Counting(Counting::Same(Limit { max: (*times).max(1), window })))
            }
            Test::NewAccount { days, hourly } => {
                problems.check("days", (1..=90).contains(days), "must be 1 to 90");
                problems.check("hourly", (1..=10_000).contains(hourly), "must be 1 to 10000");
                let limit = Limit { max: (*hourly).max(1), window: Duration::from_hours(1) };
                Some(Matcher::Counting(Counting::NewAccount(TimeDelta::days((*days).into()), limit)))
            }
        };
        problems.none()?;
        Ok(Self { rule, state, matcher: matcher.expect("no problem") })
    }

    /// Whether it finds what it looks for in this text alone; `None`: it must know what came before.
    pub fn finds(&self, text: &Text) -> Option<bool> {
        match (&self.matcher, &self.rule.test) {
            (Matcher::Pattern(pattern), _) => Some(pattern.is_match(&text.folded)),
            (Matcher::Leaks, Test::Leak { kinds }) => {
                Some(kinds.iter().any(|kind| text.leaks().contains(*kind)))
            }
            (Matcher::Leaks | Matcher::Counting(_), _) => None,
        }
    }

    pub(super) fn counting(&self) -> Option<&Counting> {
        match &self.matcher {
            Matcher::Counting(counting) => Some(counting),
            Matcher::Pattern(_) | Matcher::Leaks => None,
        }
    }
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

/// How old an account is: its id tells when it was made.
pub(super) fn age(user: UserId, now: DateTime<Utc>) -> TimeDelta {
    let made = user.0.get_timestamp().and_then(|time| {
        let (seconds, nanos) = time.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    });
    made.map_or(TimeDelta::MAX, |made| now - made)
}

fn regex(pattern: &str) -> Result<Regex, String> {
    if !(1..=LONGEST_PATTERN).contains(&pattern.chars().count()) {
        return Err(format!("must have 1 to {LONGEST_PATTERN} characters"));
    }
    let built = RegexBuilder::new(pattern).size_limit(MOST_COMPILED).dfa_size_limit(MOST_REMEMBERED).build();
    let regex = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large once it is compiled".to_owned(),
        // With a mark under the place.
        error => format!("is no regular expression:\n{error}"),
    })?;
    if regex.is_match("") { Err("finds the empty text, and so every text".to_owned()) } else { Ok(regex) }
}

fn keywords(words: &[String]) -> Result<Regex, String> {
    let words: Vec<String> = words.iter().map(|word| leaks::fold(word).trim().to_owned()).collect();
    if words.is_empty() || words.len() > MOST_WORDS {
        return Err(format!("must be 1 to {MOST_WORDS} words"));
    }
    if let Some(word) = words.iter().find(|word| !(2..=LONGEST_WORD).contains(&word.chars().count())) {
        return Err(format!("must have 2 to {LONGEST_WORD} characters each, which `{word}` has not"));
    }
    let any = words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
    // Marks of Hindi vowels are part of a word, though no letters.
    let pattern = format!(r"(?:^|[^\p{{L}}\p{{M}}\p{{N}}])(?:{any})(?:$|[^\p{{L}}\p{{M}}\p{{N}}])");
    RegexBuilder::new(&pattern)
        .size_limit(MOST_COMPILED_WORDS)
        .build()
        .map_err(|error| format!("cannot be looked for: {error}"))
}
