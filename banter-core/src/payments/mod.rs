//! Coins, and what is paid for them.
//!
//! Promises: a balance is the sum of its entries, always; no entry is ever changed; the same cause changes a balance
//! once; no balance is negative.
//!
//! [`catalogue`] what is for sale · [`ledger`] the one way in which a balance changes

pub mod catalogue;
pub mod ledger;
#[cfg(test)]
mod tests;

use crate::error::{self, Coded, Kind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there are not enough coins")]
    NotEnoughCoins,
    #[error("a balance cannot be that large")]
    TooManyCoins,
    #[error("this reference was used for another change")]
    ReferenceReused,
    #[error("this changes nothing")]
    NothingToChange,
    #[error("no such person")]
    UserNotFound,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::NotEnoughCoins => (Kind::Conflict, "NOT_ENOUGH_COINS"),
            Self::TooManyCoins => (Kind::Conflict, "TOO_MANY_COINS"),
            Self::ReferenceReused => (Kind::Mismatch, "REFERENCE_REUSED"),
            Self::NothingToChange => (Kind::Invalid, "NOTHING_TO_CHANGE"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::Database(error) => error::database(error),
        }
    }
}
