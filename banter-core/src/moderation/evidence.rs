//! What was seen, kept as it was: whoever reports something freezes it, with what stood around it, in one query. Media it
//! shows outlives its message.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::reports::About;
use crate::ids::{CallId, MessageId, RoomId, UserId};

/// How many messages stand before and after one that is reported.
pub(super) const AROUND: i64 = 5;
/// How many of the last ones show what a person, a call or a room was like.
const LAST: i64 = 20;

pub(super) struct Frozen {
    /// Who answers for it.
    pub user: UserId,
    pub evidence: Value,
    pub uploads: Vec<Uuid>,
}

/// `None`: it is not there, or the reporter never saw it.
pub(super) async fn freeze(
    db: &mut PgConnection,
    reporter: UserId,
    about: About,
) -> Result<Option<Frozen>, sqlx::Error> {
    let found = match about {
        About::User(user) => of_user(db, reporter, user).await?,
        About::Message(message) => of_message(db, reporter, message).await?,
        About::Room(room, user) => of_room(db, reporter, room, user).await?,
        About::Call(call, user) => of_call(db, reporter, call, user).await?,
    };
    Ok(found.map(|(user, evidence)| {
        let mut uploads = Vec::new();
        gather(&evidence, &mut uploads);
        Frozen { user, evidence, uploads }
    }))
}

/// Somebody whom the reporter can meet, blocked, or wrote with before one of them blocked the other.
async fn of_user(
    db: &mut PgConnection,
    reporter: UserId,
    user: UserId,
) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select jsonb_build_object(
            'profile', profile_evidence(u.id),
            'messages', coalesce(message_evidence(c.id, c.last_seq - $3 + 1, c.last_seq), '[]')
        ) as "evidence!"
        from users u
        left join conversations c on c.user_lo = least($1, u.id) and c.user_hi = greatest($1, u.id)
        where u.id = $2
          and u.status <> 'deleted'
          and (
              can_interact($1, u.id)
              or c.id is not null
              or exists (select from blocked_users b where b.user_id = $1 and b.blocked_user_id = u.id)
          )
        "#,
        reporter.0,
        user.0,
        LAST,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|evidence| (user, evidence)))
}

/// A message of a conversation that the reporter is in, or of a public room, whose people come and go.
async fn of_message(
    db: &mut PgConnection,
    reporter: UserId,
    message: MessageId,
) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            m.sender_id as "user: UserId",
            jsonb_build_object(
                'profile', profile_evidence(m.sender_id),
                'messageId', m.id,
                'conversation', jsonb_build_object('id', c.id, 'kind', c.kind, 'name', c.name),
                'messages', message_evidence(c.id, greatest(m.seq - $3, coalesce(mine.from_seq, 1)), m.seq + $3)
            ) as "evidence!"
        from messages m
        join conversations c on c.id = m.conversation_id
        left join conversation_members mine
            on mine.conversation_id = c.id and mine.user_id = $1 and mine.from_seq <= m.seq
        left join chat_rooms r on r.id = c.id and r.is_public
        where m.id = $2 and m.deleted_at is null and (mine.user_id is not null or r.id is not null)
        "#,
        reporter.0,
        message.0,
        AROUND,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|found| (found.user, found.evidence)))
}

/// A room that the reporter is in or may come into, or a public one that is over by now.
async fn of_room(
    db: &mut PgConnection,
    reporter: UserId,
    room: RoomId,
    user: Option<UserId>,
) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            coalesce($3, host.user_id, c.created_by) as "user!: UserId",
            jsonb_build_object(
                'profile', profile_evidence(coalesce($3, host.user_id, c.created_by)),
                'room', room_evidence(r.id),
                'messages', message_evidence(r.id, greatest(c.last_seq - $4 + 1, coalesce(mine.from_seq, 1)), c.last_seq)
            ) as "evidence!"
        from chat_rooms r
        join conversations c on c.id = r.id
        left join chat_room_members host on host.room_id = r.id and host.role = 'host'
        left join conversation_members mine on mine.conversation_id = r.id and mine.user_id = $1
        where r.id = $2
          and (
              r.is_public
              or mine.user_id is not null
              or exists (select from chat_room_invitations i where i.room_id = r.id and i.user_id = $1)
          )
          -- Whoever is named was there: is in, was sent out, or wrote.
          and (
              $3::uuid is null
              or $3 in (host.user_id, c.created_by)
              or exists (select from chat_room_members m where m.room_id = r.id and m.user_id = $3)
              or exists (select from chat_room_bans b where b.room_id = r.id and b.user_id = $3)
              or exists (
                  select
                  from messages m
                  where m.conversation_id = r.id and m.sender_id = $3 and m.seq > c.last_seq - 500
              )
          )
          and coalesce($3, host.user_id, c.created_by) is not null
        "#,
        reporter.0,
        room.0,
        user.map(|user| user.0),
        LAST,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|found| (found.user, found.evidence)))
}

/// A call that the reporter was party to.
async fn of_call(
    db: &mut PgConnection,
    reporter: UserId,
    call: CallId,
    user: Option<UserId>,
) -> Result<Option<(UserId, Value)>, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        select
            other.user_id as "user: UserId",
            jsonb_build_object(
                'profile', profile_evidence(other.user_id),
                'call', jsonb_build_object(
                    'id', c.id, 'callType', c.call_type, 'status', c.status, 'callerId', c.caller_id,
                    'conversationId', c.conversation_id, 'startedAt', c.started_at, 'answeredAt', c.answered_at,
                    'endedAt', c.ended_at, 'duration', c.duration,
                    'participants', (
                        select jsonb_agg(jsonb_build_object('id', u.id, 'fullName', u.full_name, 'state', p.state))
                        from call_participants p
                        join users u on u.id = p.user_id
                        where p.call_id = c.id
                    )
                ),
                'messages', coalesce(message_evidence(d.id, d.last_seq - $4 + 1, d.last_seq), '[]')
            ) as "evidence!"
        from call_logs c
        join call_participants mine on mine.call_id = c.id and mine.user_id = $1
        join call_participants other on other.call_id = c.id and other.user_id <> $1
        left join conversations d
            on d.user_lo = least($1, other.user_id) and d.user_hi = greatest($1, other.user_id)
        where c.id = $2
          -- Of several somebody must be named.
          and ($3::uuid is null and c.receiver_id is not null or other.user_id = $3)
        "#,
        reporter.0,
        call.0,
        user.map(|user| user.0),
        LAST,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(|found| (found.user, found.evidence)))
}

/// Every upload that the evidence names.
fn gather(evidence: &Value, uploads: &mut Vec<Uuid>) {
    match evidence {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == "uploadId").and_then(|id| id.parse().ok()) {
                    Some(id) => uploads.push(id),
                    None => gather(value, uploads),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, uploads)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
