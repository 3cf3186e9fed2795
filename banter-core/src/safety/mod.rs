//! Who does not want to meet whom. The one predicate stands in the database (the migration on blocks), so that every
//! statement of every feature asks the same question in place: `can_interact(a, b)` for two people, and the view it is
//! made of, `blocked_pairs`, for many.

pub mod blocks;
#[cfg(test)]
mod tests;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("you cannot block yourself")]
    Yourself,
    #[error("no such person")]
    UserNotFound,
    #[error("you have not blocked this person")]
    NotBlocked,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Yourself => (Kind::Invalid, "CANNOT_BLOCK_YOURSELF"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::NotBlocked => (Kind::NotFound, "NOT_BLOCKED"),
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
pub struct Safety<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn safety(&self) -> Safety<'_> {
        Safety(self)
    }
}
