//! What coins are for: somebody gives somebody something in a conversation or a room, and everybody there sees it.
//!
//! Promises: the coins leave the giver, reach the receiver's earnings and show as a message in one transaction, or nothing of
//! it happens; the same `clientGiftId` gives once; nobody gives more than they have, or than a day allows.
//!
//! [`catalogue`] what there is · [`give`] the one act · [`list`] what was given

pub mod catalogue;
pub mod give;
pub mod list;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::ids::{ConversationId, GiftId, MessageId, UserId};
use crate::{limits, messaging, payments};
pub use catalogue::Gift;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("you cannot give yourself anything")]
    Yourself,
    /// Not there, or not for the giver to see: the two cannot be told apart.
    #[error("this person is not there")]
    ReceiverNotThere,
    #[error("there are not enough coins: {missing} are missing")]
    NotEnoughCoins { price: i32, missing: i32 },
    #[error("no more than {limit} coins can be given within a day; {left} are left")]
    LimitReached { limit: i32, left: i32 },
    #[error("this clientGiftId was used for something else")]
    ClientIdReused,
    #[error(transparent)]
    Messaging(#[from] messaging::Error),
    #[error(transparent)]
    Payments(#[from] payments::Error),
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Yourself => (Kind::Invalid, "CANNOT_GIFT_YOURSELF"),
            Self::ReceiverNotThere => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::NotEnoughCoins { .. } => (Kind::Conflict, "NOT_ENOUGH_COINS"),
            Self::LimitReached { .. } => (Kind::TooMany, "GIFT_LIMIT_REACHED"),
            Self::ClientIdReused | Self::Messaging(messaging::Error::ClientIdReused) => {
                (Kind::Mismatch, "CLIENT_GIFT_ID_REUSED")
            }
            Self::Messaging(error) => error.coded(),
            Self::Payments(error) => error.coded(),
            Self::TooOften(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        match self {
            Self::Invalid(problems) => Some(problems),
            Self::Messaging(error) => error.problems(),
            _ => None,
        }
    }

    fn numbers(&self) -> Vec<(&'static str, i64)> {
        match self {
            Self::NotEnoughCoins { price, missing } => {
                vec![("price", i64::from(*price)), ("missing", i64::from(*missing))]
            }
            Self::LimitReached { limit, left } => {
                vec![("limit", i64::from(*limit)), ("left", i64::from(*left))]
            }
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            // What was given grows a day old bit by bit.
            Self::LimitReached { .. } => Some(3600),
            Self::Messaging(error) => error.retry_after(),
            Self::TooOften(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// A gift that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GivenGift)]
pub struct Given {
    pub id: GiftId,
    pub gift: Gift,
    /// What it cost, and brought.
    pub coins: i32,
    pub sender_id: UserId,
    pub receiver_id: UserId,
    pub conversation_id: ConversationId,
    /// What shows it there.
    pub message_id: MessageId,
    pub created_at: DateTime<Utc>,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Gifts<'a>(&'a Banter);

impl Banter {
    pub fn gifts(&self) -> Gifts<'_> {
        Gifts(self)
    }
}
