//! Made-up people, who knows whom, and their messages, for development, tests and load. Never in production.
//!
//! Promises: the same plan makes the same people and messages, to the id; doing it again adds nothing; what is written
//! is what registration and sending would have written (sequence numbers without a gap, read marks that add up); it is
//! written batch by batch, each whole or not at all, so stopping in between leaves nothing half. A debug build on two
//! cores writes [`Size::L`] in a minute.
//!
//! `names` and `words` the raw material · `people` who · `circles` who knows whom · `talk` what two wrote · `groups` what
//! more wrote · `write` and `write_circles` the SQL · [`demo`] Asha and Ravi

mod circles;
pub mod demo;
mod dice;
mod groups;
mod names;
mod people;
mod talk;
#[cfg(test)]
mod tests;
mod words;
mod write;
mod write_circles;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::friends;
use crate::messaging;
use crate::payments;

pub use demo::DemoPerson;

/// Seeds there are, and people of each.
pub const MOST_SEEDS: u16 = 1_000;
pub const MOST_USERS: u32 = 1_000_000;
/// Messages for each person, on average.
pub const MOST_MESSAGES: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("made-up people have no place in production")]
    OnlyInDevelopment,
    #[error("{0}")]
    Invalid(Problems),
    #[error("the username `{0}` or its phone number is another account's, so the demo person cannot be made")]
    DemoInTheWay(&'static str),
    #[error(transparent)]
    Payments(#[from] payments::Error),
    #[error(transparent)]
    Friends(#[from] friends::Error),
    #[error(transparent)]
    Messaging(#[from] messaging::Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::OnlyInDevelopment => (Kind::Forbidden, "ONLY_IN_DEVELOPMENT"),
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::DemoInTheWay(_) => (Kind::Conflict, "DEMO_IN_THE_WAY"),
            Self::Payments(error) => error.coded(),
            Self::Friends(error) => error.coded(),
            Self::Messaging(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }
}

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u16,
    pub users: u32,
    /// In direct conversations between pairs of them.
    pub messages: u64,
    /// Groups of 3 to 10, with messages of their own.
    pub groups: u32,
    /// Friends of each on average, with requests and blocks in proportion.
    pub friends: u32,
}

/// A plan by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For a glance: 200 people.
    S,
    /// For a screen that scrolls: 10,000.
    M,
    /// For load: 100,000 and a million messages.
    L,
}

impl Size {
    /// People, messages, groups, friends of each.
    pub fn numbers(self) -> (u32, u64, u32, u32) {
        match self {
            Self::S => (200, 5_000, 20, 8),
            Self::M => (10_000, 200_000, 500, 10),
            Self::L => (100_000, 1_000_000, 2_000, 10),
        }
    }
}

/// Friends of each on average, at most.
pub const MOST_FRIENDS: u32 = 100;

impl Plan {
    fn check(self) -> Result<(), Error> {
        let mut problems = Problems::default();
        problems.check("seed", self.seed < MOST_SEEDS, "must be 0 to 999");
        problems.check("users", (1..=MOST_USERS).contains(&self.users), "must be 1 to 1000000");
        problems.check("messages", self.messages == 0 || self.users >= 2, "need two people at least");
        problems.check(
            "messages",
            self.messages <= u64::from(self.users) * MOST_MESSAGES,
            "must be at most 1000 for each person",
        );
        problems.check("groups", self.groups <= self.users, "must be at most one for each person");
        problems.check("groups", self.groups == 0 || self.users >= 10, "need ten people at least");
        problems.check("friends", self.friends <= MOST_FRIENDS, "must be at most 100 for each person");
        problems.check(
            "friends",
            self.friends == 0 || self.users > self.friends * 2,
            "need more people than twice that",
        );
        problems.none().map_err(Error::Invalid)
    }
}

/// What became of a batch, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub added: u64,
    /// Were there from before.
    pub present: u64,
    /// Could not be: a name or number is another account's, or a person is gone.
    pub refused: u64,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.present += other.present;
        self.refused += other.refused;
    }
}

/// What became of the conversations, and how many messages are in those that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talked {
    pub conversations: Outcome,
    pub messages: u64,
}

/// What became of the ties, by kind: how many were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circled {
    pub friendships: u64,
    pub requests: u64,
    pub blocks: u64,
}

impl std::ops::AddAssign for Circled {
    fn add_assign(&mut self, other: Self) {
        self.friendships += other.friendships;
        self.requests += other.requests;
        self.blocks += other.blocks;
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Seeding<'a>(&'a Banter);

impl Banter {
    pub fn seed(&self) -> Seeding<'_> {
        Seeding(self)
    }
}

impl Seeding<'_> {
    /// Adds the plan's people; `progress` hears how many are dealt with.
    pub async fn people(&self, plan: Plan, mut progress: impl FnMut(u64)) -> Result<Outcome, Error> {
        self.refuse_production()?;
        plan.check()?;
        let mut total = Outcome::default();
        let numbers: Vec<u32> = (0..plan.users).collect();
        for batch in numbers.chunks(2_000) {
            let people: Vec<_> = batch.iter().map(|number| people::person(plan.seed, *number)).collect();
            total += write::people(self.0, &people).await?;
            progress(total.added + total.present + total.refused);
        }
        Ok(total)
    }

    /// Adds the plan's messages, among people who are there; `progress` hears how many messages are dealt with.
    pub async fn talk(&self, plan: Plan, mut progress: impl FnMut(u64)) -> Result<Talked, Error> {
        self.refuse_production()?;
        plan.check()?;
        let (mut total, mut done) = (Talked::default(), 0);
        let mut talks = talk::Talks::new(plan).peekable();
        while talks.peek().is_some() {
            let (mut batch, mut size) = (Vec::new(), 0);
            while size < 5_000
                && let Some(talk) = talks.next()
            {
                size += talk.messages.len();
                batch.push(talk);
            }
            let talked = write::talks(self.0, &batch).await?;
            total.conversations += talked.conversations;
            total.messages += talked.messages;
            done += size as u64;
            progress(done);
        }
        Ok(total)
    }

    /// Adds who is whose friend, who asks to be, and who blocks whom, among people who are there.
    pub async fn circles(&self, plan: Plan, mut progress: impl FnMut(u64)) -> Result<Circled, Error> {
        self.refuse_production()?;
        plan.check()?;
        let (mut total, mut done) = (Circled::default(), 0);
        let mut ties = circles::Ties::new(plan).peekable();
        while ties.peek().is_some() {
            let batch: Vec<_> = ties.by_ref().take(10_000).collect();
            done += batch.len() as u64;
            total += write_circles::circles(self.0, &batch).await?;
            progress(done);
        }
        Ok(total)
    }

    /// Adds the plan's groups with their messages, among people who are there; `progress` hears how many groups are
    /// dealt with.
    pub async fn groups(&self, plan: Plan, mut progress: impl FnMut(u64)) -> Result<Talked, Error> {
        self.refuse_production()?;
        plan.check()?;
        let (mut total, mut done) = (Talked::default(), 0);
        let numbers: Vec<u32> = (0..plan.groups).collect();
        for some in numbers.chunks(100) {
            let batch: Vec<_> = some.iter().map(|number| groups::group(plan, *number)).collect();
            let talked = write_circles::groups(self.0, &batch).await?;
            total.conversations += talked.conversations;
            total.messages += talked.messages;
            done += batch.len() as u64;
            progress(done);
        }
        Ok(total)
    }

    fn refuse_production(&self) -> Result<(), Error> {
        if self.0.config().is_production() { Err(Error::OnlyInDevelopment) } else { Ok(()) }
    }
}
