//! How two people stand, and what may follow from it. The policy is [`decide`]; around it a pair is held in the database
//! while its state is read and written, so two acts at once follow one another.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::Error;
use crate::ids::{FriendRequestId, UserId};

/// Whoever was refused may ask the same person again after this; whoever refused may ask at any time.
pub const REST: TimeDelta = TimeDelta::days(7);

/// How somebody stands to the caller, as both apps show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Relationship {
    None,
    /// They asked to be the caller's friend.
    PendingIn,
    /// The caller asked.
    PendingOut,
    Friends,
    BlockedByMe,
}

/// How two people stand, as the one who acts knows it or must not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The other is not there, or one of the two has blocked the other.
    Apart,
    Strangers,
    /// The other refused the actor a short while ago.
    Refused {
        until: DateTime<Utc>,
    },
    /// The actor's request waits.
    Asking(FriendRequestId),
    /// The other's request waits.
    Asked(FriendRequestId),
    Friends,
}

/// What somebody does about somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Ask,
    Accept,
    Reject,
    Cancel,
    Remove,
}

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ask,
    /// It was asked before and still waits: a repeat changes nothing.
    Wait(FriendRequestId),
    Befriend(FriendRequestId),
    Reject(FriendRequestId),
    Cancel(FriendRequestId),
    Part,
    /// It is so already.
    Nothing,
}

/// The whole policy of friendship.
pub(super) fn decide(state: State, act: Act) -> Result<Next, Error> {
    match (state, act) {
        (State::Apart, Act::Ask | Act::Remove) => Err(Error::UserNotFound),
        (State::Apart, Act::Accept | Act::Reject | Act::Cancel) => Err(Error::RequestNotFound),

        (State::Strangers, Act::Ask) => Ok(Next::Ask),
        (State::Refused { until }, Act::Ask) => Err(Error::TooSoon { until }),
        (State::Asking(request), Act::Ask) => Ok(Next::Wait(request)),
        // Both want it: the second request is the answer to the first.
        (State::Asked(request), Act::Ask | Act::Accept) => Ok(Next::Befriend(request)),
        (State::Friends, Act::Ask) => Err(Error::AlreadyFriends),

        (State::Asked(request), Act::Reject) => Ok(Next::Reject(request)),
        (State::Asking(request), Act::Cancel) => Ok(Next::Cancel(request)),
        // Only the one who was asked answers, only the one who asked takes it back.
        (State::Asking(_), Act::Accept | Act::Reject) | (State::Asked(_), Act::Cancel) => {
            Err(Error::RequestNotFound)
        }
        (State::Friends, Act::Accept) => Ok(Next::Nothing),
        (State::Strangers | State::Refused { .. }, Act::Accept | Act::Reject | Act::Cancel)
        | (State::Friends, Act::Reject | Act::Cancel) => Err(Error::RequestNotPending),

        (State::Friends, Act::Remove) => Ok(Next::Part),
        (State::Strangers | State::Refused { .. } | State::Asking(_) | State::Asked(_), Act::Remove) => {
            Err(Error::NotFriends)
        }
    }
}

/// Holds what is between two people until the transaction ends. Whatever changes it, friendship or block, comes here
/// first, and reads in a later statement: one that waited here would still see what was before.
pub(crate) async fn hold(db: &mut PgConnection, one: UserId, other: UserId) -> Result<(), sqlx::Error> {
    lock(db, &[pair(one, other)]).await
}

/// The same where a list may grow: also both people's lists, so that their lengths stay bounded whoever else asks them.
pub(super) async fn hold_with_lists(
    db: &mut PgConnection,
    one: UserId,
    other: UserId,
) -> Result<(), sqlx::Error> {
    // In this order everywhere: no two can wait for each other.
    let list = |user: UserId| format!("friends of {user}");
    lock(db, &[pair(one, other), list(one.min(other)), list(one.max(other))]).await
}

fn pair(one: UserId, other: UserId) -> String {
    format!("pair {} {}", one.min(other), one.max(other))
}

async fn lock(db: &mut PgConnection, names: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) as name",
        names,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How the pair stands. With `about`, only that request counts as waiting.
pub(super) async fn state(
    db: &mut PgConnection,
    me: UserId,
    other: UserId,
    about: Option<FriendRequestId>,
    now: DateTime<Utc>,
) -> Result<State, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            u.status not in ('deleted', 'banned') and can_interact($1, u.id) as "reachable!",
            are_friends($1, u.id) as "friends!",
            r.id as "request_id?: FriendRequestId",
            r.sender_id as "sender_id?: UserId",
            (
                select max(decided_at)
                from friend_requests
                where sender_id = $1 and receiver_id = u.id and status = 'rejected'
            ) as rejected_at
        from users u
        left join pending_requests r
            on r.user_lo = least($1, u.id)
            and r.user_hi = greatest($1, u.id)
            and ($3::uuid is null or r.id = $3)
        where u.id = $2
        "#,
        me.0,
        other.0,
        about.map(|id| id.0),
    )
    .fetch_optional(db)
    .await?;
    let Some(found) = found.filter(|found| found.reachable) else { return Ok(State::Apart) };
    let until = found.rejected_at.map(|at| at + REST).filter(|until| *until > now);
    Ok(match (found.friends, found.request_id, until) {
        (true, _, _) => State::Friends,
        (false, Some(request), _) if found.sender_id == Some(me) => State::Asking(request),
        (false, Some(request), _) => State::Asked(request),
        (false, None, Some(until)) => State::Refused { until },
        (false, None, None) => State::Strangers,
    })
}
