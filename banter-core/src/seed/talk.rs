//! What made-up people wrote to each other. The conversations of a seed and a number of people are one endless list;
//! how many messages are wanted says where it is cut.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::dice::{About, Dice};
use super::people::{self, account, mother_tongue};
use super::{Plan, words};
use crate::ids::{ConversationId, UserId};

pub(super) struct Talk {
    pub id: ConversationId,
    /// The smaller id first, as the table wants it.
    pub people: [UserId; 2],
    pub read: [ReadMark; 2],
    pub messages: Vec<Line>,
}

/// How far a member has read, and how many of the other's messages come after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadMark {
    pub seq: i64,
    pub unread: i64,
}

pub(super) struct Line {
    pub id: Uuid,
    /// Which of the two.
    pub sender: usize,
    pub content: &'static str,
    pub at: DateTime<Utc>,
}

/// A conversation has 2 to 60 messages …
const LENGTHS: (u64, u64) = (2, 60);
/// … written within this time …
const SPAN: TimeDelta = TimeDelta::days(20);
/// … seldom further apart than this.
const PAUSE: TimeDelta = TimeDelta::minutes(20);

/// The conversations of a plan, one after the other.
pub(super) struct Talks {
    plan: Plan,
    number: u64,
    left: u64,
    /// Half of all pairs: one that was not taken yet is found at the second try.
    pairs: u64,
    /// Few people must talk longer to make up the number.
    stretch: u64,
    taken: HashSet<(u32, u32)>,
}

impl Talks {
    pub(super) fn new(plan: Plan) -> Self {
        let users = u64::from(plan.users);
        let pairs = (users * users.saturating_sub(1) / 4).max(1);
        let stretch = plan.messages.div_ceil(pairs * (LENGTHS.0 + LENGTHS.1) / 2).max(1);
        Self { plan, number: 0, left: plan.messages, pairs, stretch, taken: HashSet::new() }
    }

    fn pair(&mut self) -> (u32, u32) {
        let mut dice = Dice::new(self.plan.seed, About::Pair, self.number);
        let users = u64::from(self.plan.users);
        loop {
            let (a, b) = (dice.below(users) as u32, dice.below(users) as u32);
            if a != b && self.taken.insert((a.min(b), a.max(b))) {
                return (a, b);
            }
        }
    }
}

impl Iterator for Talks {
    type Item = Talk;

    fn next(&mut self) -> Option<Talk> {
        if self.left == 0 || self.plan.users < 2 {
            return None;
        }
        let mut pair = self.pair();
        let mut dice = Dice::new(self.plan.seed, About::Talk, self.number);
        let length = (LENGTHS.0 + dice.below(LENGTHS.1 - LENGTHS.0 + 1)) * self.stretch;
        let length = if self.number + 1 == self.pairs { self.left } else { length.min(self.left) };
        let talk = talk(self.plan.seed, &mut pair, length, &mut dice);
        self.left -= talk.messages.len() as u64;
        self.number += 1;
        Some(talk)
    }
}

fn talk(seed: u16, pair: &mut (u32, u32), length: u64, dice: &mut Dice) -> Talk {
    if account(seed, pair.0).0 > account(seed, pair.1).0 {
        *pair = (pair.1, pair.0);
    }
    let ((lo, lo_joined), (hi, hi_joined)) = (account(seed, pair.0), account(seed, pair.1));
    let tongues = (mother_tongue(seed, pair.0), mother_tongue(seed, pair.1));
    let both_met = lo_joined.max(hi_joined) + TimeDelta::milliseconds(dice.signed_below(DAY));
    let id = ConversationId(people::id(both_met, dice));
    let pause = PAUSE.num_milliseconds().min(SPAN.num_milliseconds() / length.cast_signed()).max(2);
    let mut at = both_met;
    let mut sender = dice.below(2) as usize;
    let mut messages = Vec::with_capacity(length as usize);
    for _ in 0..length {
        let content = if tongues.0 == tongues.1 && dice.percent(40) {
            dice.pick(words::native(tongues.0).1)
        } else {
            dice.pick(words::MESSAGES)
        };
        messages.push(Line { id: people::id(at, dice), sender, content, at });
        at += TimeDelta::milliseconds(1 + dice.signed_below(pause));
        if dice.percent(60) {
            sender = 1 - sender;
        }
    }
    let read = [0, 1].map(|person| read_mark(person, &messages, dice));
    Talk { id, people: [lo, hi], read, messages }
}

const DAY: i64 = 86_400_000;

/// Most have read it all; some stopped somewhere, and a few of those wrote after that.
fn read_mark(person: usize, messages: &[Line], dice: &mut Dice) -> ReadMark {
    let end = messages.len() as u64;
    let read = if dice.percent(70) { end } else { dice.below(end + 1) };
    let unread = messages[read as usize..].iter().filter(|m| m.sender != person).count();
    ReadMark { seq: read.cast_signed(), unread: unread as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(users: u32, messages: u64) -> Plan {
        Plan { seed: 7, users, messages, groups: 0, friends: 0 }
    }

    #[test]
    fn as_many_messages_as_were_wanted_each_pair_once() {
        for (users, messages) in [(2, 1), (2, 500), (3, 40), (10, 1_000), (1_000, 5_000)] {
            let talks: Vec<Talk> = Talks::new(plan(users, messages)).collect();
            assert_eq!(talks.iter().map(|t| t.messages.len() as u64).sum::<u64>(), messages);
            let pairs: HashSet<_> = talks.iter().map(|t| t.people).collect();
            assert_eq!(pairs.len(), talks.len());
            assert!(talks.iter().all(|t| t.people[0] < t.people[1]));
        }
        assert_eq!(Talks::new(plan(1, 10)).count(), 0);
    }

    #[test]
    fn time_runs_forward_and_ends_before_today() {
        let end = people::beginning() + people::JOINING + TimeDelta::days(25);
        assert_eq!(end.date_naive().to_string(), "2026-06-25");
        for talk in Talks::new(plan(100, 10_000)) {
            assert!(talk.messages.windows(2).all(|two| two[0].at < two[1].at));
            assert!(talk.messages.last().unwrap().at < end);
        }
    }

    #[test]
    fn read_marks_count_what_is_unread_after_them() {
        let mut behind = 0;
        for talk in Talks::new(plan(100, 5_000)) {
            for (person, mark) in talk.read.iter().enumerate() {
                let after = talk.messages.iter().skip(mark.seq as usize).filter(|m| m.sender != person);
                assert_eq!(after.count() as i64, mark.unread);
                behind += i64::from(mark.unread > 0);
            }
        }
        assert!(behind > 10);
    }

    #[test]
    fn more_messages_are_the_same_and_more() {
        let few: Vec<_> = Talks::new(plan(1_000, 3_000)).map(|t| (t.id, t.messages.len())).collect();
        let many: Vec<_> = Talks::new(plan(1_000, 9_000)).map(|t| (t.id, t.messages.len())).collect();
        let whole = few.len() - 1;
        assert_eq!(few[..whole], many[..whole]);
    }
}
