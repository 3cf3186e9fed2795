//! Who is made up. A person is a function of the seed and a number, and of nothing else: a thousand people of seed 7
//! are the first thousand of a million of seed 7.
//!
//! Every seed has a million numbers of its own, and username and phone number are one-to-one functions of seed and
//! number, so that no two people of any seeds can ever ask for the same.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use uuid::{Builder, Uuid};

use super::dice::{About, Dice};
use super::names::FIRST_NAMES;
use super::{MOST_USERS, words};
use crate::accounts::Gender;
use crate::ids::UserId;

/// Mobile numbers begin with 6 to 9. These end before 98…, where the demo people are.
const PHONES: (u64, u32) = (6_000_000_000, 3_800_000_000);

pub(super) struct Person {
    pub id: UserId,
    pub phone_number: String,
    pub username: String,
    pub full_name: String,
    pub gender: Gender,
    pub date_of_birth: NaiveDate,
    pub language: &'static str,
    pub bio: Option<&'static str>,
    pub interests: Vec<&'static str>,
    pub looking_for: Vec<&'static str>,
    pub created_at: DateTime<Utc>,
    pub last_seen: Option<DateTime<Utc>>,
}

/// People joined from here on, for [`JOINING`]; whatever is made up is over by the end of June 2026.
pub(super) fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_735_689_600, 0).expect("2025-01-01")
}
pub(super) const JOINING: TimeDelta = TimeDelta::days(515);

/// Id, and when the account was made.
pub(super) fn account(seed: u16, number: u32) -> (UserId, DateTime<Utc>) {
    let mut dice = Dice::new(seed, About::Account, number.into());
    let created_at = beginning() + TimeDelta::milliseconds(dice.signed_below(JOINING.num_milliseconds()));
    (UserId(id(created_at, &mut dice)), created_at)
}

pub(super) fn id(at: DateTime<Utc>, dice: &mut Dice) -> Uuid {
    Builder::from_unix_timestamp_millis(at.timestamp_millis().unsigned_abs(), &dice.bytes()).into_uuid()
}

/// What a person was brought up with.
pub(super) fn mother_tongue(seed: u16, number: u32) -> &'static str {
    FIRST_NAMES[name(seed, number).0].0.language
}

pub(super) fn person(seed: u16, number: u32) -> Person {
    let (id, created_at) = account(seed, number);
    let mut dice = Dice::new(seed, About::Person, number.into());
    let (place, suffix) = name(seed, number);
    let (region, gender, first) = FIRST_NAMES[place];
    let (own_bios, _) = words::native(region.language);
    // Adults when the first of them joined, and still so when the last did.
    let age_in_days = 18 * 366 + dice.below(42 * 365);
    Person {
        id,
        phone_number: format!("+91{}", phone(seed, number)),
        username: format!("{}_{}", first.to_lowercase(), base36(suffix)),
        full_name: format!("{first} {}", dice.pick(&region.last_names())),
        gender: match dice.below(100) {
            0..3 => Gender::PreferNotToSay,
            3..5 => Gender::Other,
            _ => gender,
        },
        date_of_birth: (beginning() - Days::new(age_in_days)).date_naive(),
        language: if dice.percent(75) { region.language } else { "en" },
        bio: match dice.below(10) {
            0..3 => Some(dice.pick(own_bios)),
            3..7 => Some(dice.pick(words::BIOS)),
            _ => None,
        },
        interests: some(&mut dice, words::INTERESTS, 6),
        looking_for: some(&mut dice, words::LOOKING_FOR, 2),
        created_at,
        last_seen: dice.percent(80).then(|| {
            let until = beginning() + JOINING - created_at;
            created_at + TimeDelta::milliseconds(dice.signed_below(until.num_milliseconds()))
        }),
    }
}

/// Up to `most` different ones, in the list's order.
fn some(dice: &mut Dice, from: &[&'static str], most: u64) -> Vec<&'static str> {
    let mut places: Vec<u64> = (0..dice.below(most + 1)).map(|_| dice.below(from.len() as u64)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| from[place as usize]).collect()
}

/// Below 10⁹.
fn unique(seed: u16, number: u32) -> u32 {
    u32::from(seed) * MOST_USERS + number
}

/// One-to-one, and without a pattern: the finalizer of MurmurHash3 (Appleby).
fn scatter(mut x: u32) -> u32 {
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

fn phone(seed: u16, number: u32) -> u64 {
    // One-to-one as long as the walk begins and ends below the limit.
    let mut scattered = scatter(unique(seed, number) + 1_000_000_000);
    while scattered >= PHONES.1 {
        scattered = scatter(scattered);
    }
    PHONES.0 + u64::from(scattered)
}

/// The place of the first name, and what follows it in the username.
fn name(seed: u16, number: u32) -> (usize, u64) {
    let (scattered, names) = (u64::from(scatter(unique(seed, number))), FIRST_NAMES.len() as u64);
    ((scattered % names) as usize, scattered / names)
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::seed::MOST_SEEDS;
    use crate::text::{PhoneNumber, Username, clean};

    #[test]
    fn everybody_would_pass_registration() {
        for number in 0..5_000 {
            let person = person(7, number);
            assert!(Username::parse(&person.username).is_ok(), "{}", person.username);
            assert!(PhoneNumber::parse(&person.phone_number).is_ok(), "{}", person.phone_number);
            assert!(person.phone_number.len() == 13 && person.phone_number.as_bytes()[3] >= b'6');
            assert_eq!(clean(&person.full_name, 2..=50), Ok(person.full_name.clone()));
            assert!(person.date_of_birth.years_since(person.date_of_birth).is_some());
            let age = person.created_at.date_naive().years_since(person.date_of_birth).unwrap();
            assert!((18..=63).contains(&age), "{age}");
            assert!(person.interests.len() <= 6 && person.looking_for.len() <= 2);
        }
    }

    #[test]
    fn the_same_number_is_the_same_person_and_no_two_share_a_name_or_a_phone() {
        assert_eq!(person(7, 3).username, person(7, 3).username);
        let numbers = || (0..100_000).chain(MOST_USERS - 100_000..MOST_USERS);
        let everybody =
            || [0, 1, MOST_SEEDS - 1].into_iter().flat_map(move |seed| numbers().map(move |n| (seed, n)));
        let phones: HashSet<_> = everybody().map(|(seed, number)| phone(seed, number)).collect();
        let names: HashSet<_> = everybody().map(|(seed, number)| name(seed, number)).collect();
        assert_eq!((phones.len(), names.len()), (600_000, 600_000));
        let mut seen = HashSet::new();
        for seed in [0, 1, 2, 60, MOST_SEEDS - 1] {
            for number in (0..2_000).chain(MOST_USERS - 2_000..MOST_USERS) {
                let person = person(seed, number);
                assert!(seen.insert(person.username) && seen.insert(person.phone_number));
                assert!(seen.insert(person.id.to_string()));
            }
        }
    }

    #[test]
    fn they_come_from_everywhere() {
        let people: Vec<String> = (0..8)
            .map(|number| person(7, number))
            .map(|p| {
                format!(
                    "{} {} {} {} {}",
                    p.full_name, p.username, p.phone_number, p.language, p.date_of_birth
                )
            })
            .collect();
        insta::assert_snapshot!(people.join("\n"));
        let languages: HashSet<_> = (0..1_000).map(|number| person(7, number).language).collect();
        assert!(languages.len() >= 12, "{languages:?}");
    }
}
