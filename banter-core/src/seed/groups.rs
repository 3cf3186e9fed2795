//! Groups of three to ten, and what was written in them. A group is a function of the plan's seed, its people and a number.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::dice::{About, Dice};
use super::people::{self, account};
use super::{Plan, words};
use crate::ids::UserId;

pub(super) struct Group {
    pub id: Uuid,
    pub name: String,
    /// The owner first; some of the others are admins.
    pub members: Vec<Member>,
    pub lines: Vec<Line>,
    pub made_at: DateTime<Utc>,
}

pub(super) struct Member {
    pub id: UserId,
    pub role: &'static str,
    /// The first message they see: one or two came later than the others.
    pub from_seq: i64,
    pub read_seq: i64,
    /// Messages of others after that.
    pub unread: i64,
}

pub(super) struct Line {
    pub id: Uuid,
    /// Place in [`Group::members`].
    pub sender: usize,
    pub content: &'static str,
    pub at: DateTime<Utc>,
}

const NAMES: &[&str] = &[
    "Chai at five",
    "Sunday trek",
    "Old Monk memories",
    "Antakshari night",
    "Flatmates",
    "Cricket on Saturday",
    "Book club",
    "Street food hunters",
    "Garba practice",
    "Exam survivors",
    "Ghazal evenings",
    "Filter coffee forever",
    "Movie first day first show",
    "Bike trip to Spiti",
    "Cousins",
];

pub(super) fn group(plan: Plan, number: u32) -> Group {
    let mut dice = Dice::new(plan.seed, About::Group, number.into());
    let size = 3 + dice.below(8) as usize;
    let mut numbers: Vec<u32> = Vec::with_capacity(size);
    while numbers.len() < size {
        let somebody = dice.below(plan.users.into()) as u32;
        if !numbers.contains(&somebody) {
            numbers.push(somebody);
        }
    }
    let people: Vec<_> = numbers.iter().map(|number| account(plan.seed, *number)).collect();
    let joined = people.iter().map(|(_, joined)| *joined).max().unwrap_or_else(people::beginning);
    let made_at = joined + TimeDelta::milliseconds(dice.signed_below(DAY));
    let length = 2 + dice.below(59) as usize;
    let mut at = made_at;
    let mut froms = vec![1; size];
    if size > 4 && length > 10 {
        froms[size - 1] = 1 + dice.signed_below(length as i64);
    }
    let mut lines: Vec<Line> = Vec::with_capacity(length);
    for i in 0..length {
        // Whoever has not come yet writes nothing.
        let here = if i as i64 + 1 >= froms[size - 1] { size } else { size - 1 };
        let sender = dice.below(here as u64) as usize;
        let content = dice.pick(words::MESSAGES);
        lines.push(Line { id: people::id(at, &mut dice), sender, content, at });
        at += TimeDelta::milliseconds(1 + dice.signed_below(PAUSE));
    }
    let members = people.iter().enumerate().map(|(i, (id, _))| {
        let from_seq = froms[i];
        let first = from_seq - 1;
        let read_seq = if dice.percent(60) {
            length as i64
        } else {
            first + dice.signed_below(length as i64 - first + 1)
        };
        let unread = lines[read_seq as usize..].iter().filter(|line| line.sender != i).count() as i64;
        let role = match i {
            0 => "owner",
            1 if size > 5 => "admin",
            _ => "member",
        };
        Member { id: *id, role, from_seq, read_seq, unread }
    });
    let members = members.collect();
    let name = format!("{} {}", NAMES[number as usize % NAMES.len()], number as usize / NAMES.len() + 1);
    Group { id: people::id(made_at, &mut dice), name, members, lines, made_at }
}

const DAY: i64 = 86_400_000;
/// Milliseconds; sixty of them are over before the year's middle.
const PAUSE: i64 = 4 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_of_three_to_ten_different_people_and_end_before_today() {
        let plan = Plan { seed: 7, users: 50, messages: 0, groups: 50, friends: 0 };
        let end = people::beginning() + people::JOINING + TimeDelta::days(25);
        let mut late = 0;
        for number in 0..plan.groups {
            let group = group(plan, number);
            assert!((3..=10).contains(&group.members.len()));
            let ids: std::collections::HashSet<_> = group.members.iter().map(|m| m.id).collect();
            assert_eq!(ids.len(), group.members.len());
            assert!(group.name.chars().count() <= 60);
            assert_eq!(group.members.iter().filter(|m| m.role == "owner").count(), 1);
            assert!(group.lines.windows(2).all(|two| two[0].at < two[1].at));
            assert!(group.lines.last().unwrap().at < end);
            for (seq, line) in (1..).zip(&group.lines) {
                assert!(group.members[line.sender].from_seq <= seq);
            }
            late += group.members.iter().filter(|m| m.from_seq > 1).count();
        }
        assert!(late > 5);
    }
}
