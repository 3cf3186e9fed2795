//! Coins, and what is paid for them.
//!
//! Promises: a balance is the sum of its entries, always; no entry is ever changed; the same cause changes a balance
//! once; no balance is negative.
//!
//! [`catalogue`] what is for sale · [`ledger`] the one way in which a balance changes · [`history`] what somebody paid, and
//! their entries · [`receipts`] for the taxman and for them · [`audit`] the proof · [`revenue`] what came in

pub mod audit;
pub mod catalogue;
pub mod history;
pub mod ledger;
pub mod receipts;
pub mod revenue;
#[cfg(test)]
mod tests;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Payments<'a>(&'a Banter);

impl Banter {
    pub fn payments(&self) -> Payments<'_> {
        Payments(self)
    }
}

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
    #[error("{0}")]
    Invalid(Problems),
    #[error("no such payment")]
    TransactionNotFound,
    #[error("only what was paid has a receipt")]
    NoReceipt,
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
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::TransactionNotFound => (Kind::NotFound, "TRANSACTION_NOT_FOUND"),
            Self::NoReceipt => (Kind::Conflict, "NOT_PAID"),
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
