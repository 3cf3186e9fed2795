//! Calls, of two or of a group.
//!
//! Promises: nobody is in two calls at once, nor does a phone ring that is in one (`call_participants_one_live`); two who
//! call each other at the same moment are in one call; who may not meet does not ring; each gets a way in of their own,
//! and only while they have a seat ([`crate::voice`]); every call ends, whatever dies: those that ring by a job queued
//! with them, those that were answered by the seats that nobody takes; how long they talked is counted here.
//!
//! ```text
//! initiated ──▶ ringing ──answer──▶ answered ──hang up──▶ completed
//!     │            ├─reject──▶ rejected    └──lost before they met──▶ failed
//!     ▼            ├─45 s────▶ missed
//!   failed         └─cancel──▶ cancelled                (called while in another: busy)
//! ```
//!
//! [`state`] the policy, as pure functions · [`plan`] what it makes of one call · [`held`] a locked one, and writing what
//! becomes of it · [`tell`] who hears of it · [`initiate`] · [`answer`] · [`finish`] reject, cancel, hang up, time out, be
//! lost · [`history`] what somebody sees · [`administration`] what operators see and do

pub mod administration;
pub mod answer;
pub mod finish;
pub(crate) mod held;
pub mod history;
pub mod initiate;
mod plan;
pub mod state;
mod tell;
#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

pub use self::state::{Part, Role, Status};
use crate::Banter;
use crate::accounts::Caller;
use crate::error::{self, Coded, Kind, Problems};
use crate::ids::SessionId;
use crate::limits;
use crate::voice::{self, Entrance, Place};

/// How long it rings.
pub const RINGS: TimeDelta = TimeDelta::seconds(45);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum CallType {
    Audio,
    Video,
}

impl CallType {
    /// As the apps name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("you cannot call yourself")]
    Yourself,
    /// Missing, deleted, or not to be met: the two cannot be told apart.
    #[error("no such person")]
    UserNotFound,
    #[error("no such conversation")]
    ConversationNotFound,
    #[error("this conversation is no group; call the person")]
    NotAGroup,
    /// Also one of somebody else's.
    #[error("no such call")]
    NotFound,
    #[error("this person does not take your calls")]
    NotAccepted,
    #[error("User is not online")]
    NotReachable,
    #[error("this person is in another call")]
    TheyAreBusy,
    #[error("you are in another call")]
    AlreadyInCall,
    #[error("this call rings no more")]
    NotRinging,
    #[error("nobody has answered this call")]
    NotAnswered,
    #[error("you answered this call on another device")]
    AnsweredElsewhere,
    #[error("this call is over")]
    Over,
    #[error("this login has ended; sign in again")]
    SignedOut,
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error(transparent)]
    Voice(#[from] voice::Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::Yourself => (Kind::Invalid, "CANNOT_CALL_YOURSELF"),
            Self::NotReachable => (Kind::Invalid, "USER_NOT_ONLINE"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::ConversationNotFound => (Kind::NotFound, "CONVERSATION_NOT_FOUND"),
            Self::NotFound => (Kind::NotFound, "CALL_NOT_FOUND"),
            Self::NotAGroup => (Kind::Conflict, "NOT_A_GROUP"),
            Self::NotAccepted => (Kind::Conflict, "CALLS_NOT_ACCEPTED"),
            Self::TheyAreBusy => (Kind::Conflict, "USER_BUSY"),
            Self::AlreadyInCall => (Kind::Conflict, "ALREADY_IN_CALL"),
            Self::NotRinging => (Kind::Conflict, "CALL_NOT_RINGING"),
            Self::NotAnswered => (Kind::Conflict, "CALL_NOT_ANSWERED"),
            Self::AnsweredElsewhere => (Kind::Conflict, "CALL_ANSWERED_ELSEWHERE"),
            Self::Over => (Kind::Conflict, "CALL_OVER"),
            Self::SignedOut => (Kind::Forbidden, "SESSION_REVOKED"),
            Self::TooOften(error) => error.coded(),
            Self::Voice(error) => error.coded(),
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

/// A call, and the caller's way in.
#[derive(Clone, Debug)]
pub struct Placed {
    pub call: history::Call,
    pub entrance: Entrance,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Calls<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn calls(&self) -> Calls<'_> {
        Calls(self)
    }
}

impl Calls<'_> {
    /// The way in; [`Error::Over`]: for somebody who has no seat in it any more.
    async fn placed(&self, caller: &Caller, call: history::Call) -> Result<Placed, Error> {
        let entrance = self.0.voice().entrance(caller, Place::Call(call.id)).await?.ok_or(Error::Over)?;
        Ok(Placed { call, entrance })
    }

    /// Whoever was just suspended or deleted must not begin what their end has looked for already.
    async fn check_login(&self, db: &mut PgConnection, session: SessionId) -> Result<(), Error> {
        let lives = sqlx::query_scalar!(
            r#"select exists (select from sessions where id = $1 and revoked_at is null) as "lives!""#,
            session.0,
        )
        .fetch_one(db)
        .await?;
        if lives { Ok(()) } else { Err(Error::SignedOut) }
    }
}
