//! What may become of a call, and of somebody's part in it. Pure: whoever changes either has it locked ([`super::held`]).
//!
//! A call's policy is [`decide`]. In a call to a group everybody has a part of their own beside it ([`take_part`]), and
//! what the parts come to ([`follows`]) is an act on the call like any other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Error;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = CallStatus)]
pub enum Status {
    /// Begun; nobody has been told.
    Initiated,
    Ringing,
    /// They talk.
    Answered,
    Completed,
    Rejected,
    /// Nobody answered in time.
    Missed,
    /// The caller hung up before anybody answered.
    Cancelled,
    /// Whoever was called was in another call.
    Busy,
    /// It could not be, for our own reasons.
    Failed,
}

impl Status {
    pub fn is_live(self) -> bool {
        match self {
            Self::Initiated | Self::Ringing | Self::Answered => true,
            Self::Completed | Self::Rejected | Self::Missed | Self::Cancelled | Self::Busy | Self::Failed => {
                false
            }
        }
    }

    /// As the database and the metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Missed => "missed",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

/// What is done to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Whoever is called is told.
    Ring,
    Answer,
    /// By whoever is called.
    Reject,
    /// By the caller, before an answer.
    Cancel,
    /// By either, after the answer.
    HangUp,
    /// It rang long enough.
    TimeOut,
    /// It cannot go on.
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    To(Status),
    /// It is so already.
    Stay,
}

/// The whole policy of calls.
pub(super) fn decide(status: Status, act: Act) -> Result<Next, Error> {
    use Status::{Answered, Busy, Cancelled, Completed, Failed, Initiated, Missed, Rejected, Ringing};
    match (status, act) {
        (Initiated, Act::Ring) => Ok(Next::To(Ringing)),
        // Both called each other: it was answered before it rang.
        (Ringing | Answered, Act::Ring) => Ok(Next::Stay),
        (Completed | Rejected | Missed | Cancelled | Busy | Failed, Act::Ring) => Err(Error::Over),

        (Initiated | Ringing, Act::Answer) => Ok(Next::To(Answered)),
        (Answered, Act::Answer) => Ok(Next::Stay),
        (Completed | Rejected | Missed | Cancelled | Busy | Failed, Act::Answer) => Err(Error::Over),

        (Initiated | Ringing, Act::Reject) => Ok(Next::To(Rejected)),
        (Rejected, Act::Reject) => Ok(Next::Stay),
        (Initiated | Ringing, Act::Cancel) => Ok(Next::To(Cancelled)),
        (Cancelled, Act::Cancel) => Ok(Next::Stay),
        (Answered, Act::Reject | Act::Cancel) => Err(Error::NotRinging),
        (Completed | Missed | Cancelled | Busy | Failed, Act::Reject)
        | (Completed | Rejected | Missed | Busy | Failed, Act::Cancel) => Err(Error::Over),

        (Answered, Act::HangUp) => Ok(Next::To(Completed)),
        (Initiated | Ringing, Act::HangUp) => Err(Error::NotAnswered),
        // Whoever hangs up wants it to be over, and it is.
        (Completed | Rejected | Missed | Cancelled | Busy | Failed, Act::HangUp) => Ok(Next::Stay),

        // Nobody has been told of it: whoever began it died on the way.
        (Initiated, Act::TimeOut) => Ok(Next::To(Failed)),
        (Ringing, Act::TimeOut) => Ok(Next::To(Missed)),
        (Answered | Completed | Rejected | Missed | Cancelled | Busy | Failed, Act::TimeOut) => {
            Ok(Next::Stay)
        }

        (Initiated | Ringing | Answered, Act::Fail) => Ok(Next::To(Failed)),
        (Completed | Rejected | Missed | Cancelled | Busy | Failed, Act::Fail) => Ok(Next::Stay),
    }
}

/// Somebody's place in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = CallRole)]
pub enum Role {
    Caller,
    Receiver,
}

/// Somebody's part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = CallPart)]
pub enum Part {
    Ringing,
    Joined,
    Left,
    Rejected,
    Missed,
    Busy,
}

impl Part {
    pub(super) fn is_live(self) -> bool {
        match self {
            Self::Ringing | Self::Joined => true,
            Self::Left | Self::Rejected | Self::Missed | Self::Busy => false,
        }
    }
}

/// What somebody does about their own part in a call to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Answer,
    Reject,
    Leave,
    TimeOut,
}

/// The policy of parts in a call to a group that lives; `None`: it is so already.
pub(super) fn take_part(part: Part, own: Own) -> Result<Option<Part>, Error> {
    match (part, own) {
        // Whoever was late, or was lost, comes in as long as the others talk.
        (Part::Ringing | Part::Left | Part::Rejected | Part::Missed | Part::Busy, Own::Answer) => {
            Ok(Some(Part::Joined))
        }
        (Part::Joined, Own::Answer) => Ok(None),

        (Part::Ringing, Own::Reject) => Ok(Some(Part::Rejected)),
        (Part::Rejected, Own::Reject) => Ok(None),
        (Part::Joined | Part::Left | Part::Missed | Part::Busy, Own::Reject) => Err(Error::NotRinging),

        (Part::Joined, Own::Leave) => Ok(Some(Part::Left)),
        (Part::Ringing, Own::Leave) => Ok(Some(Part::Rejected)),
        (Part::Left | Part::Rejected | Part::Missed | Part::Busy, Own::Leave) => Ok(None),

        (Part::Ringing, Own::TimeOut) => Ok(Some(Part::Missed)),
        (Part::Joined | Part::Left | Part::Rejected | Part::Missed | Part::Busy, Own::TimeOut) => Ok(None),
    }
}

/// What the parts in a call to a group come to; `None`: it goes on as it is.
pub(super) fn follows(status: Status, parts: &[(Role, Part)]) -> Option<Act> {
    let count = |wanted: Part| parts.iter().filter(|(_, part)| *part == wanted).count();
    let (joined, ringing) = (count(Part::Joined), count(Part::Ringing));
    let caller_is_in = parts.contains(&(Role::Caller, Part::Joined));
    match status {
        Status::Initiated | Status::Ringing if !caller_is_in => Some(Act::Cancel),
        Status::Initiated | Status::Ringing if joined > 1 => Some(Act::Answer),
        Status::Initiated | Status::Ringing if ringing > 0 => None,
        // Somebody's no is an answer; that nobody was there is none.
        Status::Initiated | Status::Ringing if count(Part::Rejected) > 0 => Some(Act::Reject),
        Status::Initiated | Status::Ringing => Some(Act::TimeOut),
        // Whoever is alone waits for those whose phones ring still.
        Status::Answered if joined > 1 || joined == 1 && ringing > 0 => None,
        Status::Answered => Some(Act::HangUp),
        Status::Completed
        | Status::Rejected
        | Status::Missed
        | Status::Cancelled
        | Status::Busy
        | Status::Failed => None,
    }
}

/// What becomes of somebody's part when the call ends so.
pub(super) fn closed(part: Part, end: Status) -> Part {
    match (part, end) {
        (Part::Ringing, Status::Rejected) => Part::Rejected,
        (Part::Ringing, Status::Missed | Status::Cancelled | Status::Completed) => Part::Missed,
        // Nobody was told of it.
        (
            Part::Ringing,
            Status::Failed | Status::Busy | Status::Initiated | Status::Ringing | Status::Answered,
        ) => Part::Left,
        (Part::Joined, _) => Part::Left,
        (Part::Left | Part::Rejected | Part::Missed | Part::Busy, _) => part,
    }
}
