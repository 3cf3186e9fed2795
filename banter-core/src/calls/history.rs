//! What somebody sees of calls: their own, and nothing of those whom they cannot meet (the view `calls_shown`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::state::{Part, Role, Status};
use super::{CallType, Calls, Error};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::{CallId, ConversationId, UserId};
use crate::page::{At, Page, PageRequest};

/// A call as one of its people sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CallLog)]
pub struct Call {
    pub id: CallId,
    pub call_type: CallType,
    pub status: Status,
    pub direction: Direction,
    /// Somebody called, and the reader was not there, or in another call.
    pub is_missed: bool,
    /// Null: somebody whom the reader cannot meet.
    pub caller_id: Option<UserId>,
    pub caller: Option<PersonSummary>,
    /// Null: it went to a group.
    pub receiver_id: Option<UserId>,
    pub receiver: Option<PersonSummary>,
    /// The group that was called.
    pub conversation_id: Option<ConversationId>,
    /// Null for those who have left it.
    pub conversation_name: Option<String>,
    /// Everybody of a call to a group; empty for a call of two.
    pub participants: Vec<Participant>,
    pub livekit_room: String,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Seconds from the answer to the end.
    pub duration: Option<i32>,
}

/// Which way it went, for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CallDirection)]
pub enum Direction {
    Incoming,
    Outgoing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CallParticipant)]
pub struct Participant {
    pub user: PersonSummary,
    pub role: Role,
    pub state: Part,
}

const LIST: &str = "calls";

impl Calls<'_> {
    /// One of the caller's own.
    pub async fn one(&self, caller: &Caller, id: CallId) -> Result<Call, Error> {
        self.shown(caller, Some(id), None, 1).await?.pop().ok_or(Error::NotFound)
    }

    /// The caller's own, newest first.
    pub async fn history(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Call>, Error> {
        let after: Option<(At, CallId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let calls = self.shown(caller, None, after, page.fetch()).await?;
        Ok(Page::cut(calls, page, LIST, |call| (At(call.started_at), call.id)))
    }

    async fn shown(
        &self,
        caller: &Caller,
        only: Option<CallId>,
        after: Option<(At, CallId)>,
        limit: i64,
    ) -> Result<Vec<Call>, Error> {
        let rows = sqlx::query!(
            r#"
            with mine as (
                (
                    select call_id, role, state
                    from calls_shown
                    where $2::uuid is not null and user_id = $1 and call_id = $2
                )
                union all
                (
                    select call_id, role, state
                    from calls_shown
                    where $2::uuid is null
                      and user_id = $1
                      and ($3::timestamptz is null or (started_at, call_id) < ($3, $4))
                    order by started_at desc, call_id desc
                    limit $5
                )
            )
            select
                c.id as "id: CallId",
                c.call_type as "call_type: CallType",
                c.status as "status: Status",
                mine.role as "role!: Role",
                mine.state as "part!: Part",
                caller.id as "caller_id?: UserId",
                caller.username as "caller_username?",
                caller.full_name as "caller_full_name?",
                caller.avatar as "caller_avatar?",
                receiver.id as "receiver_id?: UserId",
                receiver.username as "receiver_username?",
                receiver.full_name as "receiver_full_name?",
                receiver.avatar as "receiver_avatar?",
                c.conversation_id as "conversation_id: ConversationId",
                g.name as "conversation_name?",
                (
                    select coalesce(
                        jsonb_agg(
                            jsonb_build_object(
                                'user', jsonb_build_object(
                                    'id', u.id, 'username', u.username, 'fullName', u.full_name, 'avatar', u.avatar
                                ),
                                'role', p.role,
                                'state', p.state
                            )
                            order by p.role, u.id
                        ),
                        '[]'
                    )
                    from call_participants p join users u on u.id = p.user_id
                    where p.call_id = c.id
                      and c.conversation_id is not null
                      and not exists (select from blocked_pairs b where b.one = $1 and b.other = p.user_id)
                ) as "participants!: Json<Vec<Participant>>",
                c.livekit_room,
                c.started_at,
                c.answered_at,
                c.ended_at,
                c.duration
            from mine
            join call_logs c on c.id = mine.call_id
            left join users caller
                on caller.id = c.caller_id
                and not exists (select from blocked_pairs b where b.one = $1 and b.other = caller.id)
            left join users receiver on receiver.id = c.receiver_id
            -- A group's name is for its members.
            left join conversation_members m on m.conversation_id = c.conversation_id and m.user_id = $1
            left join conversations g on g.id = m.conversation_id
            order by c.started_at desc, c.id desc
            "#,
            caller.user_id.0,
            only.map(|id| id.0),
            after.map(|(at, _)| at.0),
            after.map(|(_, id)| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        let calls = rows.into_iter().map(|row| Call {
            id: row.id,
            call_type: row.call_type,
            status: row.status,
            direction: if row.role.is_caller() { Direction::Outgoing } else { Direction::Incoming },
            is_missed: !row.role.is_caller() && matches!(row.part, Part::Missed | Part::Busy),
            caller_id: row.caller_id,
            caller: person(row.caller_id, row.caller_username, row.caller_full_name, row.caller_avatar),
            receiver_id: row.receiver_id,
            receiver: person(
                row.receiver_id,
                row.receiver_username,
                row.receiver_full_name,
                row.receiver_avatar,
            ),
            conversation_id: row.conversation_id,
            conversation_name: row.conversation_name,
            participants: row.participants.0,
            livekit_room: row.livekit_room,
            started_at: row.started_at,
            answered_at: row.answered_at,
            ended_at: row.ended_at,
            duration: row.duration,
        });
        Ok(calls.collect())
    }
}

fn person(
    id: Option<UserId>,
    username: Option<String>,
    full_name: Option<String>,
    avatar: Option<String>,
) -> Option<PersonSummary> {
    let (id, full_name) = id.zip(full_name)?;
    Some(PersonSummary { id, username, full_name, avatar })
}
