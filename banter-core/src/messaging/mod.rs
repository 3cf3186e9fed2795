//! Conversations and messages.
//!
//! Promises: a message that was acknowledged is stored, once; within a conversation sequence numbers run 1, 2, 3 …
//! without a gap, so a client that knows the last one it has can ask for what it missed; sending costs one round trip
//! to the database in the usual case and two at most; no cost here grows with the length of a history (marking as read
//! costs what was unread). Nothing passes
//! between two people who cannot interact, and to either the other's conversation is not there.
//!
//! [`send`] · [`history`] pages by sequence, both ways · [`receipts`] read marks, unread counts, typing ·
//! [`conversations`] the list

pub mod conversations;
pub mod history;
pub mod receipts;
pub mod send;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::limits;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("you cannot write to yourself")]
    Yourself,
    /// Missing, deleted, or not to be met: the two cannot be told apart.
    #[error("no such person")]
    UserNotFound,
    #[error("no such conversation")]
    ConversationNotFound,
    #[error("this clientMessageId was used for another message")]
    ClientIdReused,
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Yourself => (Kind::Invalid, "CANNOT_MESSAGE_YOURSELF"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::ConversationNotFound => (Kind::NotFound, "CONVERSATION_NOT_FOUND"),
            Self::ClientIdReused => (Kind::Mismatch, "CLIENT_MESSAGE_ID_REUSED"),
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

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum MessageType {
    Text,
}

/// A message as everyone in the conversation sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// The message's place in its conversation: 1, 2, 3 … without a gap.
    pub seq: i64,
    pub sender_id: UserId,
    /// The other one, in a direct conversation.
    pub receiver_id: Option<UserId>,
    pub message_type: MessageType,
    pub content: String,
    /// As the sender's phone chose it.
    pub client_message_id: Option<String>,
    /// In a direct conversation: the receiver has read it.
    pub is_read: bool,
    pub created_at: DateTime<Utc>,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Messaging<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn messaging(&self) -> Messaging<'_> {
        Messaging(self)
    }
}
