//! The list of conversations: who, what was last, how much is unread. Ordered by an index on each member's own rows, so
//! that a page costs the same however many there are.

use chrono::{DateTime, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::groups::Role;
use super::row::{row, select_messages};
use super::{Error, Message, MessageType, Messaging};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::{ConversationId, GiftId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose};
use crate::page::{At, Page, PageRequest};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ConversationKind)]
pub enum Kind {
    Direct,
    Group,
    Room,
}

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: Kind,
    /// The other one of a direct conversation.
    pub peer: Option<PersonSummary>,
    /// Of a group.
    pub name: Option<String>,
    /// The caller's, in a group.
    pub role: Option<Role>,
    pub member_count: i64,
    pub last_seq: i64,
    /// How far the caller has read.
    pub last_read_seq: i64,
    /// How far everybody else has read.
    pub peer_read_seq: i64,
    pub unread_count: i64,
    /// Null: none yet, or none since the caller joined.
    pub last_message: Option<Message>,
    pub last_message_at: DateTime<Utc>,
}

/// Somebody in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub user: PersonSummary,
    pub role: Role,
    /// How far they have read.
    pub last_read_seq: i64,
    pub joined_at: DateTime<Utc>,
}

/// A conversation and who is in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Opened {
    pub conversation: Conversation,
    /// Those whom the caller can meet, longest-standing first.
    pub members: Vec<Member>,
}

const LIST: &str = "conversations";

/// Selects conversations with their last messages; `$1` is the reader.
macro_rules! select_conversations {
    ($rest:literal, $($arguments:tt)*) => {
        select_messages!(
            "",
            r#"
                c.id as "seen!: ConversationId",
                c.kind as "kind!: Kind",
                c.name,
                c.role as "role!: Role",
                case c.kind
                    when 'direct' then 2
                    else (select count(*) from conversation_members where conversation_id = c.id)
                end as "member_count!",
                c.unread as "unread!",
                c.last_message_at as "last_message_at!",
                u.id as "peer_id?: UserId",
                u.username,
                u.full_name as "full_name?",
                u.avatar,
            "#,
            r#"
            from seen_conversations c
            left join users u on u.id = c.peer
            left join whole_messages p on p.conversation_id = c.id and p.seq = c.last_seq and p.seq >= c.from_seq
            "# and $rest,
            $($arguments)*
        )
    };
}

/// A record of [`select_conversations!`](select_conversations) as its reader sees it.
macro_rules! conversation {
    ($banter:expr, $caller:expr, $record:ident) => {
        Conversation {
            id: $record.seen,
            kind: $record.kind,
            peer: $record.peer_id.zip($record.full_name).map(|(id, full_name)| PersonSummary {
                id,
                username: $record.username,
                full_name,
                avatar: $record.avatar,
            }),
            name: $record.name,
            role: ($record.kind == Kind::Group).then_some($record.role),
            member_count: $record.member_count,
            last_seq: $record.last_seq,
            last_read_seq: $record.my_read,
            peer_read_seq: $record.others_read.unwrap_or(0),
            unread_count: $record.unread,
            last_message_at: $record.last_message_at,
            last_message: match row!($record) {
                Some(row) => Some(row.seen_by($banter, $caller.user_id).await),
                None => None,
            },
        }
    };
}

impl Messaging<'_> {
    /// The caller's conversations, latest activity first. One statement, whatever their number.
    pub async fn conversations(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<Conversation>, Error> {
        let after: Option<(At, ConversationId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        // A place before everything, instead of a condition that a prepared plan could not use the index for.
        let (time, id) = after.unwrap_or((At(end_of_time()), ConversationId(Uuid::max())));
        let records = select_conversations!(
            r#"
            where c.viewer = $1 and (c.last_message_at, c.id) < ($2, $3)
            order by c.last_message_at desc, c.id desc
            limit $4
            "#,
            caller.user_id.0,
            time.0,
            id.0,
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            found.push(conversation!(self.0, caller, record));
        }
        Ok(Page::cut(found, page, LIST, |conversation| (At(conversation.last_message_at), conversation.id)))
    }

    /// Those of these that the caller may see, in no order.
    pub(super) async fn conversations_of(
        &self,
        caller: &Caller,
        ids: &[Uuid],
    ) -> Result<Vec<Conversation>, Error> {
        let records = select_conversations!("where c.viewer = $1 and c.id = any($2)", caller.user_id.0, ids)
            .fetch_all(self.0.pool())
            .await?;
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            found.push(conversation!(self.0, caller, record));
        }
        Ok(found)
    }

    /// One conversation, and who is in it.
    pub async fn conversation(&self, caller: &Caller, id: ConversationId) -> Result<Opened, Error> {
        let found = self.conversations_of(caller, &[id.0]).await?.pop().ok_or(Error::ConversationNotFound)?;
        let members = sqlx::query!(
            r#"
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                m.role as "role: Role",
                m.last_read_seq,
                m.joined_at
            from conversation_members m
            join users u on u.id = m.user_id
            where m.conversation_id = $1 and can_interact($2, u.id)
            order by m.joined_at, u.id
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_all(self.0.pool())
        .await?;
        let members = members.into_iter().map(|row| Member {
            user: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            role: row.role,
            last_read_seq: row.last_read_seq,
            joined_at: row.joined_at,
        });
        Ok(Opened { conversation: found, members: members.collect() })
    }
}

fn end_of_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(9999, 12, 31, 0, 0, 0).single().expect("a time")
}
