//! Keeping order: what is reported, who looks at it, what is done, and the record of it.
//!
//! Promises: every act names who did it, and so does every look at what is private; no role does what is not its duty,
//! whichever front end asks; the record cannot be changed unseen.
//!
//! [`roles`] who may do what · [`staff`] who acts · [`audit`] the record · [`leaks`] ways to reach somebody outside, in what
//! people write

pub mod audit;
pub mod leaks;
pub mod roles;
pub mod staff;
#[cfg(test)]
mod tests;

use crate::Banter;
use crate::accounts::Role;
use crate::error::{self, Coded, Kind, Problems};

pub use staff::Staff;

/// How long a moderator suspends somebody at most; longer takes a senior.
pub const MODERATORS_LONGEST: chrono::TimeDelta = chrono::TimeDelta::days(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    /// What an ordinary person is told of everything here.
    #[error("this is for staff")]
    NotStaff,
    #[error("this takes the role `{}`", .0.name())]
    RoleForbids(Role),
    #[error("say who you are: this act needs a name")]
    NameNeeded,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::NotStaff => (Kind::Forbidden, "FORBIDDEN"),
            Self::RoleForbids(_) => (Kind::Forbidden, "ROLE_FORBIDS"),
            Self::NameNeeded => (Kind::Invalid, "NAME_NEEDED"),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Moderation<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn moderation(&self) -> Moderation<'_> {
        Moderation(self)
    }
}
