//! Made-up people and their messages, for development, tests and load. Never in production.
//!
//! Promises: the same plan makes the same people and messages, to the id; doing it again adds nothing; what is written
//! is what registration and sending would have written (sequence numbers without a gap, read marks that add up); it is
//! written batch by batch, each whole or not at all, so stopping in between leaves nothing half.
//!
//! `names` and `words` the raw material · `people` who · `talk` what they wrote · `write` the SQL · [`demo`] Asha and
//! Ravi

pub mod demo;
mod dice;
mod names;
mod people;
mod talk;
#[cfg(test)]
mod tests;
mod words;
mod write;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::messaging;

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
}

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

    fn refuse_production(&self) -> Result<(), Error> {
        if self.0.config().is_production() { Err(Error::OnlyInDevelopment) } else { Ok(()) }
    }
}
