//! Who knows whom. Person number `n` offers a tie to a few numbers that a throw names; which kind of tie is another throw.
//! Each pair has one tie at most: that of the lower number, so the ties of a thousand people are among those of a million
//! only in kind; a plan with other numbers of people has other ties.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::dice::{About, Dice};
use super::people::{self, JOINING, account, beginning};
use super::{Plan, words};
use crate::ids::UserId;

/// What ties two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Friends,
    /// Asked, not answered yet.
    Asked(&'static str),
    Blocked,
}

/// From the first to the second, where that matters.
pub(super) struct Tie {
    pub id: Uuid,
    pub people: [UserId; 2],
    pub kind: Kind,
    pub at: DateTime<Utc>,
}

/// Every tie of a plan.
pub(super) struct Ties {
    plan: Plan,
    number: u32,
    /// Of the person at work, in the order they are given out.
    waiting: Vec<Tie>,
}

impl Ties {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, number: 0, waiting: Vec::new() }
    }
}

impl Iterator for Ties {
    type Item = Tie;

    fn next(&mut self) -> Option<Tie> {
        while self.waiting.is_empty() {
            if self.plan.friends == 0 || self.number >= self.plan.users {
                return None;
            }
            self.waiting = ties(self.plan, self.number);
            self.number += 1;
        }
        self.waiting.pop()
    }
}

/// How many of 100 ties are no friendships.
const ASKED: u64 = 12;
const BLOCKED: u64 = 3;

/// With the next numbers of the circle, in steps that are the plan's own: each pair is met once, by the one whose turn
/// comes first, and nobody has to remember.
fn ties(plan: Plan, number: u32) -> Vec<Tie> {
    let mut dice = Dice::new(plan.seed, About::Friends, number.into());
    let half = plan.users / 2;
    // Half of all ties begin here, the other half end here: on average a person has `friends`, of both.
    let most = (plan.friends / 2).max(1);
    let mut steps: Vec<u32> =
        (0..most).map(|_| 1 + dice.below(u64::from(half.saturating_sub(1).max(1))) as u32).collect();
    steps.sort_unstable();
    steps.dedup();
    steps.into_iter().filter_map(|step| tie(plan, number, (number + step) % plan.users, &mut dice)).collect()
}

fn tie(plan: Plan, number: u32, other: u32, dice: &mut Dice) -> Option<Tie> {
    if number == other {
        return None;
    }
    let ((one, joined), (two, other_joined)) = (account(plan.seed, number), account(plan.seed, other));
    let met = joined.max(other_joined);
    let left = (beginning() + JOINING - met).num_milliseconds().max(1);
    let at = met + TimeDelta::milliseconds(dice.signed_below(left));
    let kind = match dice.below(100) {
        0..BLOCKED => Kind::Blocked,
        throw if throw < BLOCKED + ASKED => Kind::Asked(dice.pick(words::MESSAGES)),
        _ => Kind::Friends,
    };
    Some(Tie { id: people::id(at, dice), people: [one, two], kind, at })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_pair_is_tied_once_and_the_average_is_about_what_was_wanted() {
        for (users, friends) in [(10, 3), (11, 4), (1_000, 10), (5_000, 8)] {
            let plan = Plan { seed: 7, users, messages: 0, groups: 0, friends };
            let ties: Vec<Tie> = Ties::new(plan).collect();
            let pairs: HashSet<_> = ties
                .iter()
                .map(|tie| (tie.people[0].min(tie.people[1]), tie.people[0].max(tie.people[1])))
                .collect();
            assert_eq!(pairs.len(), ties.len(), "{users} {friends}");
            assert!(ties.iter().all(|tie| tie.people[0] != tie.people[1]));
            let each = ties.len() as f64 * 2.0 / f64::from(users);
            assert!(
                each > f64::from(friends) * 0.5 && each <= f64::from(friends),
                "{users} {friends}: {each}"
            );
        }
    }

    #[test]
    fn there_are_some_of_every_kind() {
        let plan = Plan { seed: 7, users: 1_000, messages: 0, groups: 0, friends: 10 };
        let count = |is: fn(Kind) -> bool| Ties::new(plan).filter(|tie| is(tie.kind)).count();
        assert!(count(|kind| kind == Kind::Blocked) > 50);
        assert!(count(|kind| matches!(kind, Kind::Asked(_))) > 300);
        assert!(count(|kind| kind == Kind::Friends) > 3_000);
    }
}
