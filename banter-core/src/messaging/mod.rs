//! Conversations and messages.
//!
//! Promises: a message that was acknowledged is stored, once; within a conversation sequence numbers run 1, 2, 3 …
//! without a gap, so a client that knows the last one it has can ask for what it missed; sending costs one round trip
//! to the database in the usual case and two at most; no cost here grows with the length of a history (marking as read
//! costs what was unread). Nothing passes
//! between two people who cannot interact: to either the other's direct conversation is not there, and in a group they
//! share each sees of the other's messages only that their numbers were taken.
//!
//! [`send`], by the one statement of [`place`] · [`change`] edit and delete · [`history`] pages by sequence, both ways · [`receipts`] read marks, unread
//! counts, typing · [`conversations`] the list · [`resync`] what a client missed, over all conversations · [`groups`]

pub mod change;
pub mod conversations;
pub mod groups;
pub mod history;
pub(crate) mod place;
pub mod receipts;
mod refusal;
pub mod resync;
mod row;
pub mod send;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::gifts::Gift;
use crate::ids::{ConversationId, GiftId, MessageId, UserId};
use crate::limits;
use crate::media::Media;

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
    #[error("this person does not take messages from you")]
    NotAccepted,
    #[error("you are muted in this room")]
    Silenced,
    /// A rule of the staff's refuses it. What it looks for is not told.
    #[error("this is against the community's rules and was not sent")]
    Blocked,
    #[error("this is looked at before it is delivered")]
    Held,
    #[error("this conversation changes too fast; try again")]
    Busy,
    #[error("no such message")]
    MessageNotFound,
    #[error("only its sender may do that")]
    NotYours,
    #[error("a message can be edited for {} minutes", change::EDITABLE.num_minutes())]
    TooLateToEdit,
    #[error("only a text that is not deleted can be edited")]
    NotEditable,
    #[error("this is not a group")]
    NotAGroup,
    #[error("your role in this group does not allow that")]
    RoleForbids,
    #[error("a group has at most {} members", groups::MOST)]
    GroupFull,
    #[error("no such member")]
    MemberNotFound,
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
            Self::NotAccepted => (Kind::Conflict, "MESSAGES_NOT_ACCEPTED"),
            Self::Silenced => (Kind::Conflict, "MUTED"),
            Self::Blocked => (Kind::Forbidden, "MESSAGE_BLOCKED"),
            Self::Held => (Kind::Forbidden, "MESSAGE_HELD"),
            Self::Busy => (Kind::Unavailable, "CONVERSATION_BUSY"),
            Self::MessageNotFound => (Kind::NotFound, "MESSAGE_NOT_FOUND"),
            Self::NotYours | Self::RoleForbids => (Kind::Forbidden, "FORBIDDEN"),
            Self::TooLateToEdit => (Kind::Conflict, "EDIT_TOO_LATE"),
            Self::NotEditable => (Kind::Conflict, "NOT_EDITABLE"),
            Self::NotAGroup => (Kind::Conflict, "NOT_A_GROUP"),
            Self::GroupFull => (Kind::Conflict, "GROUP_FULL"),
            Self::MemberNotFound => (Kind::NotFound, "MEMBER_NOT_FOUND"),
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
    Image,
    Audio,
    Video,
    Gif,
    /// Somebody in the conversation was given something; made by `POST /gifts` alone.
    Gift,
}

/// What a message of type `gift` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageGift {
    pub id: GiftId,
    pub gift: Gift,
    /// What it cost, and brought.
    pub coins: i32,
    /// Null: somebody whom the reader cannot meet.
    pub receiver_id: Option<UserId>,
}

impl MessageGift {
    /// Of the columns of an outer join; a gift that a newer version knows is not shown.
    fn of_row(
        id: Option<GiftId>,
        gift: Option<String>,
        coins: Option<i32>,
        receiver_id: Option<UserId>,
    ) -> Option<Box<Self>> {
        Some(Box::new(Self { id: id?, gift: Gift::named(&gift?)?, coins: coins?, receiver_id }))
    }

    /// The same to those who cannot meet who got it.
    fn hide(&mut self) {
        self.receiver_id = None;
    }
}

/// A message as everyone in the conversation sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// The message's place in its conversation: 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Null where `isHidden`.
    pub sender_id: Option<UserId>,
    /// The other one, in a direct conversation.
    pub receiver_id: Option<UserId>,
    pub message_type: MessageType,
    /// The text, or what was written to a picture. Empty once deleted.
    pub content: String,
    /// What it carries; null for texts, and once it is gone.
    pub media: Option<Media>,
    /// `media.url`.
    pub media_url: Option<String>,
    /// Of type `gift`: what was given. Null for others, and once the message is deleted, which takes no gift back.
    pub gift: Option<Box<MessageGift>>,
    /// What it answers.
    pub reply_to: Option<ReplyTo>,
    /// As the sender's phone chose it.
    pub client_message_id: Option<String>,
    /// By the caller, if it is another's; by everybody else, if it is the caller's own.
    pub is_read: bool,
    pub edited_at: Option<DateTime<Utc>>,
    /// It keeps its place, and nothing else.
    pub is_deleted: bool,
    /// By somebody in the group whom the caller cannot meet: it takes its number, and is not shown.
    pub is_hidden: bool,
    pub created_at: DateTime<Utc>,
}

impl Message {
    fn hidden(id: MessageId, conversation_id: ConversationId, seq: i64, created_at: DateTime<Utc>) -> Self {
        Self {
            id,
            conversation_id,
            seq,
            sender_id: None,
            receiver_id: None,
            message_type: MessageType::Text,
            content: String::new(),
            media: None,
            media_url: None,
            gift: None,
            reply_to: None,
            client_message_id: None,
            is_read: true,
            edited_at: None,
            is_deleted: false,
            is_hidden: true,
            created_at,
        }
    }

    /// The same message to those who cannot meet its sender.
    fn to_hidden(&self) -> Self {
        Self::hidden(self.id, self.conversation_id, self.seq, self.created_at)
    }
}

/// The beginning of an answered message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyTo {
    pub id: MessageId,
    pub seq: i64,
    /// Null: not to be shown to the caller.
    pub sender_id: Option<UserId>,
    pub message_type: MessageType,
    /// At most 200 characters.
    pub content: String,
    pub is_deleted: bool,
}

impl ReplyTo {
    /// The same to those who cannot meet whoever wrote it.
    fn hidden(self) -> Self {
        Self { sender_id: None, content: String::new(), message_type: MessageType::Text, ..self }
    }
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Messaging<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn messaging(&self) -> Messaging<'_> {
        Messaging(self)
    }
}
