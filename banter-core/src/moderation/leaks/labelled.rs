//! Texts of which it is known what they hold, and how well [`find`](super::find) does on them. Only for tests and benches.

use std::fmt;

use super::{Leak, find, fold};

/// Texts that the detector was made with.
pub const KNOWN: &str = include_str!("labelled.tsv");
/// Texts that were written after it.
pub const HELD_OUT: &str = include_str!("heldout.tsv");

/// Each text with what it holds.
pub fn lines(set: &'static str) -> impl Iterator<Item = (Option<Leak>, &'static str)> {
    set.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let (label, text) = line.split_once('\t').expect("label, tab, text");
        let leak = Leak::ALL.into_iter().find(|leak| leak.name() == label);
        assert!(leak.is_some() || label == "none", "{label}");
        (leak, text)
    })
}

/// How many texts were rightly and wrongly taken for a leak, or missed.
#[derive(Debug, Default)]
pub struct Score {
    pub found: usize,
    pub wrongly: Vec<&'static str>,
    pub missed: Vec<&'static str>,
}

impl Score {
    /// Of a whole set: a leak of another kind is wrongly found, and missed.
    pub fn of(set: &'static str) -> Self {
        let mut score = Self::default();
        for (label, text) in lines(set) {
            match (label, find(&fold(text)).first()) {
                (Some(label), Some(leak)) if label == leak => score.found += 1,
                (label, leak) => {
                    score.missed.extend(label.map(|_| text));
                    score.wrongly.extend(leak.map(|_| text));
                }
            }
        }
        score
    }

    /// Of what was found, the share that is a leak.
    pub fn precision(&self) -> f64 {
        share(self.found, self.wrongly.len())
    }

    /// Of the leaks, the share that was found.
    pub fn recall(&self) -> f64 {
        share(self.found, self.missed.len())
    }
}

#[expect(clippy::cast_precision_loss, reason = "hundreds")]
fn share(part: usize, rest: usize) -> f64 {
    part as f64 / (part + rest).max(1) as f64
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "precision {:.3}, recall {:.3}", self.precision(), self.recall())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaks_are_found_and_look_alikes_are_not() {
        assert!(lines(KNOWN).count() >= 300);
        for (name, set) in [("known", KNOWN), ("held out", HELD_OUT)] {
            let score = Score::of(set);
            assert!(score.precision() > 0.9 && score.recall() > 0.9, "{name}: {score}: {score:?}");
        }
    }
}
