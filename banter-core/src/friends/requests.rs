//! Asking, answering, taking back, and ending it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::relationship::{self, Act, Next};
use super::{Error, Friends, MOST_FRIENDS, MOST_WAITING};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::events::{Delivery, Event, FriendAccepted, FriendAsked, FriendRemoved};
use crate::ids::{FriendRequestId, UserId};
use crate::limits;
use crate::notifications::{Kind, News};
use crate::page::{Page, PageRequest};
use crate::text;

/// A request as both sides see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendRequest {
    pub id: FriendRequestId,
    pub sender: PersonSummary,
    pub receiver: PersonSummary,
    /// What the sender wrote with it.
    pub message: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Whose requests: those to the caller, or those of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Incoming,
    Outgoing,
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// The request waits.
    Sent(FriendRequest),
    /// The same request waits already; a repeat changes nothing, its message neither.
    Waiting(FriendRequest),
    /// The other had asked already: the two are friends by that request.
    Befriended(FriendRequest),
}

/// What an act wrote, for its answer and for those who are told.
struct Settled {
    next: Next,
    request: Option<FriendRequest>,
}

impl Friends<'_> {
    /// Asks somebody to be the caller's friend.
    ///
    /// If they asked already, this accepts. A repeat while the request waits changes nothing. After a refusal
    /// [`Error::TooSoon`] for [`relationship::REST`].
    pub async fn ask(
        &self,
        caller: &Caller,
        receiver: UserId,
        message: Option<&str>,
    ) -> Result<Asked, Error> {
        if receiver == caller.user_id {
            return Err(Error::Yourself);
        }
        let message = message.map(|message| text::clean(message, 0..=300)).transpose();
        let message = message.map_err(|problem| Problems::one("message", problem))?;
        let message = message.filter(|message| !message.is_empty());
        self.0.limits().take(limits::Act::FriendRequest, &caller.user_id.to_string()).await?;
        let settled = self.act(caller.user_id, receiver, Act::Ask, None, message.as_deref()).await?;
        let request = settled.request.expect("asking leaves a request");
        Ok(match settled.next {
            Next::Wait(_) => Asked::Waiting(request),
            Next::Befriend(_) => Asked::Befriended(request),
            Next::Ask | Next::Reject(_) | Next::Cancel(_) | Next::Part | Next::Nothing => {
                Asked::Sent(request)
            }
        })
    }

    /// Accepts a request to the caller; a repeat changes nothing while the two are friends.
    pub async fn accept(&self, caller: &Caller, request: FriendRequestId) -> Result<(), Error> {
        self.answer(caller, request, Act::Accept).await
    }

    /// Refuses a request to the caller. Its sender is not told.
    pub async fn reject(&self, caller: &Caller, request: FriendRequestId) -> Result<(), Error> {
        self.answer(caller, request, Act::Reject).await
    }

    /// Takes back a request of the caller's.
    pub async fn cancel(&self, caller: &Caller, request: FriendRequestId) -> Result<(), Error> {
        self.answer(caller, request, Act::Cancel).await
    }

    /// Ends a friendship, for both.
    pub async fn remove(&self, caller: &Caller, friend: UserId) -> Result<(), Error> {
        self.act(caller.user_id, friend, Act::Remove, None, None).await?;
        Ok(())
    }

    /// Requests that wait, newest first.
    pub async fn requests(
        &self,
        caller: &Caller,
        direction: Direction,
        page: &PageRequest,
    ) -> Result<Page<FriendRequest>, Error> {
        let list = match direction {
            Direction::Incoming => "requests-incoming",
            Direction::Outgoing => "requests-outgoing",
        };
        let after: Option<FriendRequestId> =
            page.after(list).map_err(|problem| Problems::one("cursor", problem))?;
        let ids = sqlx::query_scalar!(
            r#"
            (
                select r.id as "id!"
                from friend_requests r
                join users u on u.id = r.sender_id
                where $1 and r.receiver_id = $2 and r.status = 'pending' and ($3::uuid is null or r.id < $3)
                  and u.status not in ('deleted', 'banned')
                order by r.id desc
                limit $4
            )
            union all
            (
                select r.id
                from friend_requests r
                join users u on u.id = r.receiver_id
                where not $1 and r.sender_id = $2 and r.status = 'pending' and ($3::uuid is null or r.id < $3)
                  and u.status not in ('deleted', 'banned')
                order by r.id desc
                limit $4
            )
            "#,
            direction == Direction::Incoming,
            caller.user_id.0,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let requests = by_ids(&mut *self.0.pool().acquire().await?, &ids).await?;
        Ok(Page::cut(requests, page, list, |request| request.id))
    }

    async fn answer(&self, caller: &Caller, id: FriendRequestId, act: Act) -> Result<(), Error> {
        let me = caller.user_id;
        let other = sqlx::query_scalar!(
            r#"
            select case sender_id when $2 then receiver_id else sender_id end as "other!: UserId"
            from friend_requests
            where id = $1 and $2 in (sender_id, receiver_id)
            "#,
            id.0,
            me.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        self.act(me, other.ok_or(Error::RequestNotFound)?, act, Some(id), None).await?;
        Ok(())
    }

    async fn act(
        &self,
        me: UserId,
        other: UserId,
        act: Act,
        about: Option<FriendRequestId>,
        message: Option<&str>,
    ) -> Result<Settled, Error> {
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        match act {
            Act::Ask | Act::Accept => relationship::hold_with_lists(&mut tx, me, other).await?,
            Act::Reject | Act::Cancel | Act::Remove => relationship::hold(&mut tx, me, other).await?,
        }
        let state = relationship::state(&mut tx, me, other, about, now).await?;
        let next = relationship::decide(state, act)?;
        let news = |kind, request: FriendRequestId| News {
            to: other,
            kind,
            actor: Some(me),
            subject: Some(request.0),
        };
        let (request, news) = match next {
            Next::Ask => {
                let id = FriendRequestId(self.0.ids().uuid(now));
                store(&mut tx, id, me, other, message, now).await?;
                (Some(id), Some(news(Kind::FriendRequest, id)))
            }
            Next::Befriend(id) => {
                befriend(&mut tx, id, me, other, now).await?;
                (Some(id), Some(news(Kind::FriendAccepted, id)))
            }
            Next::Wait(id) => (Some(id), None),
            Next::Reject(id) => {
                decided(&mut tx, id, "rejected", now).await?;
                (None, None)
            }
            Next::Cancel(id) => {
                decided(&mut tx, id, "cancelled", now).await?;
                (None, None)
            }
            Next::Part => {
                part(&mut tx, me, other).await?;
                (None, None)
            }
            Next::Nothing => (None, None),
        };
        let added = match news {
            Some(news) => Some(self.0.notifications().add(&mut tx, news).await?),
            None => None,
        };
        let request = match request {
            Some(id) => by_ids(&mut tx, &[id.0]).await?.pop(),
            None => None,
        };
        tx.commit().await?;
        let settled = Settled { next, request };
        self.tell(me, other, &settled, now);
        if let Some(added) = added {
            self.0.notifications().tell(added).await;
        }
        Ok(settled)
    }

    /// Both sides' devices; of a refusal or a request taken back, nobody.
    fn tell(&self, me: UserId, other: UserId, settled: &Settled, now: DateTime<Utc>) {
        let deliver = |to: Vec<UserId>, event| {
            self.0.bus().deliver(Delivery { to, except_socket: None, event });
        };
        match (settled.next, &settled.request) {
            (Next::Ask, Some(request)) => {
                deliver(
                    vec![other, me],
                    Event::FriendRequest(FriendAsked { request: Box::new(request.clone()) }),
                );
            }
            (Next::Befriend(request_id), Some(FriendRequest { sender, receiver, .. })) => {
                for (to, user) in [(sender.id, receiver), (receiver.id, sender)] {
                    let accepted = FriendAccepted { request_id, user: user.clone(), since: now };
                    deliver(vec![to], Event::FriendAccepted(accepted));
                }
            }
            (Next::Part, _) => {
                deliver(vec![other], Event::FriendRemoved(FriendRemoved { user_id: me }));
                deliver(vec![me], Event::FriendRemoved(FriendRemoved { user_id: other }));
            }
            (Next::Ask | Next::Befriend(_), None)
            | (Next::Wait(_) | Next::Reject(_) | Next::Cancel(_) | Next::Nothing, _) => {}
        }
    }
}

async fn store(
    db: &mut PgConnection,
    id: FriendRequestId,
    sender: UserId,
    receiver: UserId,
    message: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let stored = sqlx::query!(
        r#"
        insert into friend_requests (id, sender_id, receiver_id, message, created_at)
        select $1, $2, $3, $4, $5
        where (select count(*) from friend_requests where sender_id = $2 and status = 'pending') < $6
        "#,
        id.0,
        sender.0,
        receiver.0,
        message,
        now,
        MOST_WAITING,
    )
    .execute(db)
    .await?;
    if stored.rows_affected() == 0 { Err(Error::TooManyRequests) } else { Ok(()) }
}

async fn befriend(
    db: &mut PgConnection,
    request: FriendRequestId,
    me: UserId,
    other: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let counts = sqlx::query!(
        r#"
        select
            (select count(*) from friend_pairs where one = $1) as "mine!",
            (select count(*) from friend_pairs where one = $2) as "theirs!"
        "#,
        me.0,
        other.0,
    )
    .fetch_one(&mut *db)
    .await?;
    if counts.mine >= MOST_FRIENDS {
        return Err(Error::TooManyFriends);
    }
    if counts.theirs >= MOST_FRIENDS {
        return Err(Error::TheyHaveTooManyFriends);
    }
    decided(db, request, "accepted", now).await?;
    sqlx::query!(
        "insert into friendships (user_lo, user_hi, created_at) values (least($1::uuid, $2), greatest($1::uuid, $2), $3)",
        me.0,
        other.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// [`Error::RequestNotFound`]: it is gone, with the account that asked or was asked.
async fn decided(
    db: &mut PgConnection,
    request: FriendRequestId,
    status: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "update friend_requests set status = $2, decided_at = $3 where id = $1 and status = 'pending'",
        request.0,
        status,
        now,
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 0 { Err(Error::RequestNotFound) } else { Ok(()) }
}

/// Ends a friendship, if there is one; whether there was. For whoever holds the pair.
async fn part(db: &mut PgConnection, one: UserId, other: UserId) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from friendships where user_lo = least($1::uuid, $2) and user_hi = greatest($1::uuid, $2)",
        one.0,
        other.0,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// Ends all there is between two people, for a block that holds the pair; whether they were friends.
pub(crate) async fn sever(
    db: &mut PgConnection,
    one: UserId,
    other: UserId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query!(
        r#"
        update friend_requests
        set status = 'cancelled', decided_at = $3
        where least(sender_id, receiver_id) = least($1::uuid, $2)
          and greatest(sender_id, receiver_id) = greatest($1::uuid, $2)
          and status = 'pending'
        "#,
        one.0,
        other.0,
        now,
    )
    .execute(&mut *db)
    .await?;
    part(db, one, other).await
}

/// These requests, newest first.
async fn by_ids(db: &mut PgConnection, ids: &[uuid::Uuid]) -> Result<Vec<FriendRequest>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select
            r.id as "id: FriendRequestId",
            r.message,
            r.created_at,
            s.id as "sender_id: UserId",
            s.username as sender_username,
            s.full_name as sender_full_name,
            s.avatar as sender_avatar,
            v.id as "receiver_id: UserId",
            v.username as receiver_username,
            v.full_name as receiver_full_name,
            v.avatar as receiver_avatar
        from friend_requests r
        join users s on s.id = r.sender_id
        join users v on v.id = r.receiver_id
        where r.id = any($1)
        order by r.id desc
        "#,
        ids,
    )
    .fetch_all(db)
    .await?;
    let requests = rows.into_iter().map(|row| FriendRequest {
        id: row.id,
        sender: PersonSummary {
            id: row.sender_id,
            username: row.sender_username,
            full_name: row.sender_full_name,
            avatar: row.sender_avatar,
        },
        receiver: PersonSummary {
            id: row.receiver_id,
            username: row.receiver_username,
            full_name: row.receiver_full_name,
            avatar: row.receiver_avatar,
        },
        message: row.message,
        created_at: row.created_at,
    });
    Ok(requests.collect())
}
