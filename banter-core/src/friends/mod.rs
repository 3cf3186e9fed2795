//! Friends, and asking to be.
//!
//! Promises: between two people at most one request waits, whoever asked; asking back is accepting; a refusal is not told,
//! and keeps who was refused from asking again for a week; a block ends everything between two people, and its end brings
//! nothing back. Two acts at once follow one another: each holds the pair in the database.
//!
//! ```text
//! strangers ──ask──▶ waiting ──accept, or ask back──▶ friends ──remove, block──▶ strangers
//!     ▲                 │
//!     └─reject, cancel, block
//! ```
//!
//! [`relationship`] the policy as one function, and how a pair is held · [`requests`] · [`list`] friends, mutual friends

pub mod list;
pub mod relationship;
pub mod requests;
#[cfg(test)]
mod tests;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::limits;

/// How many friends a person may have.
pub const MOST_FRIENDS: i64 = 5_000;
/// How many of a person's own requests may wait.
pub const MOST_WAITING: i64 = 500;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("you cannot be your own friend")]
    Yourself,
    /// Missing, deleted, or not to be met: the two cannot be told apart.
    #[error("no such person")]
    UserNotFound,
    #[error("no such friend request")]
    RequestNotFound,
    #[error("this friend request waits no longer")]
    RequestNotPending,
    #[error("you are friends already")]
    AlreadyFriends,
    #[error("you are not friends")]
    NotFriends,
    #[error("you can ask this person again from {}", until.to_rfc3339_opts(SecondsFormat::Secs, true))]
    TooSoon { until: DateTime<Utc> },
    #[error("you have {MOST_FRIENDS} friends, and there can be no more")]
    TooManyFriends,
    #[error("this person has as many friends as there can be")]
    TheyHaveTooManyFriends,
    #[error("{MOST_WAITING} of your requests wait; take some back first")]
    TooManyRequests,
    #[error("who is online cannot be told right now")]
    PresenceUnknown,
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Yourself => (Kind::Invalid, "CANNOT_BEFRIEND_YOURSELF"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::RequestNotFound => (Kind::NotFound, "REQUEST_NOT_FOUND"),
            Self::NotFriends => (Kind::NotFound, "NOT_FRIENDS"),
            Self::RequestNotPending => (Kind::Conflict, "REQUEST_NOT_PENDING"),
            Self::AlreadyFriends => (Kind::Conflict, "ALREADY_FRIENDS"),
            Self::TooSoon { .. } => (Kind::Conflict, "REQUEST_TOO_SOON"),
            Self::TooManyFriends => (Kind::Conflict, "TOO_MANY_FRIENDS"),
            Self::TheyHaveTooManyFriends => (Kind::Conflict, "THEY_HAVE_TOO_MANY_FRIENDS"),
            Self::TooManyRequests => (Kind::Conflict, "TOO_MANY_REQUESTS_PENDING"),
            Self::PresenceUnknown => (Kind::Unavailable, "PRESENCE_UNAVAILABLE"),
            Self::TooOften(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }

    fn retry_after(&self) -> Option<u64> {
        if let Self::TooOften(error) = self { error.retry_after() } else { None }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Friends<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn friends(&self) -> Friends<'_> {
        Friends(self)
    }
}
