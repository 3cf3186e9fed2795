//! What operators see of calls, and ending one.

use chrono::{DateTime, Utc};

use super::held::{Notes, Wish};
use super::state::Status;
use super::{CallType, Calls, Error};
use crate::error::Problems;
use crate::ids::{CallId, ConversationId, UserId};
use crate::page::{Page, PageRequest};
use crate::text;

/// Which calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only those that ring or go on.
    pub live: bool,
    /// Only this person's.
    pub user: Option<UserId>,
}

/// A call in a list.
#[derive(Debug)]
pub struct Listed {
    pub id: CallId,
    pub call_type: CallType,
    pub status: Status,
    pub caller_id: UserId,
    pub caller: String,
    pub receiver_id: Option<UserId>,
    pub receiver: Option<String>,
    pub conversation_id: Option<ConversationId>,
    pub livekit_room: String,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub duration: Option<i32>,
    /// What somebody of the staff said who ended it.
    pub end_reason: Option<String>,
}

/// Somebody in a call.
#[derive(Debug)]
pub struct Involved {
    pub id: UserId,
    pub full_name: String,
    pub role: super::Role,
    pub part: super::Part,
    pub joined_at: Option<DateTime<Utc>>,
    pub left_at: Option<DateTime<Utc>>,
    /// First seen at the media server.
    pub connected_at: Option<DateTime<Utc>>,
    /// Since when they are not there, while they should be.
    pub absent_since: Option<DateTime<Utc>>,
}

const LIST: &str = "all-calls";

impl Calls<'_> {
    /// All calls that the filter lets through, newest first.
    pub async fn list(&self, filter: Filter, page: &PageRequest) -> Result<Page<Listed>, Error> {
        let after: Option<CallId> = page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let calls = self.listed(filter, None, after, page.fetch()).await?;
        Ok(Page::cut(calls, page, LIST, |call| call.id))
    }

    /// One, and who is in it.
    pub async fn show(&self, id: CallId) -> Result<(Listed, Vec<Involved>), Error> {
        let call = self.listed(Filter::default(), Some(id), None, 1).await?.pop().ok_or(Error::NotFound)?;
        let people = sqlx::query_as!(
            Involved,
            r#"
            select
                u.id as "id: UserId",
                u.full_name,
                p.role as "role: super::Role",
                p.state as "part: super::Part",
                p.joined_at,
                p.left_at,
                p.connected_at,
                p.absent_since
            from call_participants p join users u on u.id = p.user_id
            where p.call_id = $1
            order by p.role, u.id
            "#,
            id.0,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok((call, people))
    }

    /// Ends a call for all, by an operator, who says why.
    pub async fn end_for(&self, id: CallId, reason: &str) -> Result<(), Error> {
        let reason = text::clean(reason, 1..=500).map_err(|problem| Problems::one("reason", problem))?;
        let mut transaction = self.0.pool().begin().await?;
        let held = self.hold(&mut transaction, id).await?.ok_or(Error::NotFound)?;
        if !held.status.is_live() {
            return Err(Error::Over);
        }
        let aftermath = self.act(&mut transaction, &held, Wish::Close, Notes::Left).await?;
        sqlx::query!("update call_logs set end_reason = $2 where id = $1", id.0, reason)
            .execute(&mut *transaction)
            .await?;
        aftermath.queue(self.0, &mut transaction).await?;
        transaction.commit().await?;
        // What the media server did not do at once the jobs do; the call is over.
        if let Err(error) = aftermath.carry_out_soon(self.0).await {
            tracing::warn!(%error, call = %id, "the media server has not closed a call's room yet");
        }
        Ok(())
    }

    async fn listed(
        &self,
        filter: Filter,
        only: Option<CallId>,
        after: Option<CallId>,
        limit: i64,
    ) -> Result<Vec<Listed>, Error> {
        let calls = sqlx::query_as!(
            Listed,
            r#"
            select
                c.id as "id: CallId",
                c.call_type as "call_type: CallType",
                c.status as "status: Status",
                caller.id as "caller_id: UserId",
                caller.full_name as caller,
                receiver.id as "receiver_id?: UserId",
                receiver.full_name as "receiver?",
                c.conversation_id as "conversation_id: ConversationId",
                c.livekit_room,
                c.started_at,
                c.answered_at,
                c.ended_at,
                c.duration,
                c.end_reason
            from call_logs c
            join users caller on caller.id = c.caller_id
            left join users receiver on receiver.id = c.receiver_id
            where ($1::uuid is null or c.id = $1)
              and ($2::uuid is null or c.id < $2)
              and (not $3 or c.ended_at is null)
              and ($4::uuid is null or exists (
                  select from call_participants p where p.call_id = c.id and p.user_id = $4
              ))
            order by c.id desc
            limit $5
            "#,
            only.map(|id| id.0),
            after.map(|id| id.0),
            filter.live,
            filter.user.map(|user| user.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(calls)
    }
}
