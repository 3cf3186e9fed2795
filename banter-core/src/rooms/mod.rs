//! Rooms: places where people who need not know each other talk.
//!
//! Promises: a room is its conversation, so what is written in it goes the way of all messages; never more people are in
//! than fit, however many come at once; there is one host as long as anybody is in; who was sent out, or cannot meet the
//! host, does not find the room at all. Who may speak is said here and brought into force at the media server
//! ([`crate::voice`]): what takes a right away answers once the media server agrees.
//!
//! ```text
//! open ──the last one leaves──▶ empty ──two minutes──▶ closed
//!   │ ◀──────somebody comes───────┘                      ▲
//!   └──────────────the host, staff───────────────────────┘
//! ```
//!
//! [`policy`] who may do what · [`open`] making and changing one · [`seats`] coming and going · `departure` going that is
//! not one's own doing · [`control`] what host and moderators do · [`invite`] · [`close`] · [`browse`] what people find ·
//! [`watch`] looking on · [`desk`] what staff see

pub mod browse;
pub mod close;
pub mod control;
mod departure;
pub mod desk;
pub mod invite;
mod locked;
pub mod open;
pub mod policy;
pub mod seats;
#[cfg(test)]
mod tests;
pub mod watch;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::departure::Why;
use self::policy::Role;
use crate::Banter;
use crate::accounts::PersonSummary;
use crate::error::{self, Coded, Kind, Problems};
use crate::ids::{ConversationId, RoomId};
use crate::limits;
use crate::media;
use crate::voice::{self, Entrance};

/// How many people a room has place for.
pub const SIZES: std::ops::RangeInclusive<i32> = 2..=100;
const USUAL_SIZE: i32 = 10;
/// In how many rooms somebody may be at a time.
pub const MOST_JOINED: i64 = 20;
/// How long an empty room waits for somebody.
pub const EMPTY: TimeDelta = TimeDelta::minutes(2);
/// How long somebody who was kicked stays out.
pub const COOLING: TimeDelta = TimeDelta::minutes(10);
/// How many people one invitation names.
pub const MOST_INVITED: usize = 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    /// Missing, over, private, or not for the caller: the four cannot be told apart.
    #[error("no such room")]
    RoomNotFound,
    #[error("no such person in this room")]
    MemberNotFound,
    #[error("no such person")]
    UserNotFound,
    #[error("this room is full")]
    Full,
    #[error("more people are in this room than that")]
    TooManyInside,
    #[error("you are in {MOST_JOINED} rooms; leave one first")]
    TooManyRooms,
    #[error("only listeners raise a hand")]
    NotAListener,
    #[error("your role in this room does not allow that")]
    RoleForbids,
    #[error("they are muted by the staff for now")]
    MutedByStaff,
    /// Their login ends with it: a token that was given out a moment before comes here.
    #[error("this account cannot be used")]
    AccountGone,
    #[error(transparent)]
    Media(#[from] media::Error),
    #[error(transparent)]
    Voice(#[from] voice::Error),
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::RoomNotFound => (Kind::NotFound, "ROOM_NOT_FOUND"),
            Self::MemberNotFound => (Kind::NotFound, "MEMBER_NOT_FOUND"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::Full => (Kind::Conflict, "ROOM_FULL"),
            Self::TooManyInside => (Kind::Conflict, "ROOM_TOO_SMALL"),
            Self::TooManyRooms => (Kind::Conflict, "TOO_MANY_ROOMS"),
            Self::NotAListener => (Kind::Conflict, "NOT_A_LISTENER"),
            Self::RoleForbids => (Kind::Forbidden, "FORBIDDEN"),
            Self::MutedByStaff => (Kind::Conflict, "MUTED_BY_STAFF"),
            Self::AccountGone => (Kind::Forbidden, "SESSION_REVOKED"),
            Self::Media(error) => error.coded(),
            Self::Voice(error) => error.coded(),
            Self::TooOften(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        match self {
            Self::Invalid(problems) => Some(problems),
            Self::Media(error) => error.problems(),
            _ => None,
        }
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

/// How people talk in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum RoomType {
    Voice,
    Video,
    Text,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = RoomCategory)]
pub enum Category {
    Relationships,
    Career,
    Casual,
    Gaming,
    Music,
}

/// A live room as somebody who may see it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Also its conversation's id.
    pub id: RoomId,
    pub name: String,
    pub description: Option<String>,
    pub room_type: RoomType,
    pub category: Option<Category>,
    /// ISO 639.
    pub language: String,
    pub max_members: i32,
    pub member_count: i32,
    pub is_public: bool,
    /// URL.
    pub cover_image: Option<String>,
    /// Null: nobody is in, or it is somebody whom the caller cannot meet.
    pub host: Option<PersonSummary>,
    /// The caller's; null: not in.
    pub role: Option<Role>,
    pub is_muted: bool,
    pub created_at: DateTime<Utc>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoomMember)]
pub struct Member {
    pub user: PersonSummary,
    pub role: Role,
    /// By host or moderator; whoever is not may still have their microphone off.
    pub is_muted: bool,
    /// Asks to speak.
    pub hand_raised: bool,
    pub joined_at: DateTime<Utc>,
}

/// A room that the caller is in, and the way into it; none into one where nothing is spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Seated {
    pub room: Room,
    pub entrance: Option<Entrance>,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Rooms<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms(self)
    }
}

/// A room is its conversation.
pub fn conversation_of(room: RoomId) -> ConversationId {
    ConversationId(room.0)
}

fn allowed(may: bool) -> Result<(), Error> {
    if may { Ok(()) } else { Err(Error::RoleForbids) }
}
