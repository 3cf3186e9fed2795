//! The list of conversations: who, what was last, how much is unread.

use chrono::{DateTime, Utc};

use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::{At, Page, PageRequest};

/// A conversation as one of its members sees it.
#[derive(Debug)]
pub struct Conversation {
    pub id: ConversationId,
    pub peer: Peer,
    pub last_seq: i64,
    pub last_read_seq: i64,
    /// How far the other has read.
    pub peer_read_seq: i64,
    pub unread: i64,
    pub last_message: Message,
    pub last_message_at: DateTime<Utc>,
}

/// The other one.
#[derive(Debug)]
pub struct Peer {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    pub avatar: Option<String>,
}

const LIST: &str = "conversations";

impl Messaging<'_> {
    /// The caller's conversations, latest activity first. One statement, whatever their number.
    pub async fn conversations(
        &self,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<Page<Conversation>, Error> {
        let after: Option<(At, ConversationId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let found = self.list(caller, None, after, page.fetch()).await?;
        Ok(Page::cut(found, page, LIST, |conversation| (At(conversation.last_message_at), conversation.id)))
    }

    pub async fn conversation(&self, caller: &Caller, id: ConversationId) -> Result<Conversation, Error> {
        self.list(caller, Some(id), None, 1).await?.pop().ok_or(Error::ConversationNotFound)
    }

    async fn list(
        &self,
        caller: &Caller,
        only: Option<ConversationId>,
        after: Option<(At, ConversationId)>,
        limit: i64,
    ) -> Result<Vec<Conversation>, sqlx::Error> {
        let me = caller.user_id;
        let rows = sqlx::query!(
            r#"
            select
                c.id as "id: ConversationId",
                c.last_seq,
                c.last_message_at,
                mine.last_read_seq,
                mine.unread,
                theirs.last_read_seq as peer_read_seq,
                u.id as "peer_id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                m.id as "message_id: MessageId",
                m.sender_id as "sender_id: UserId",
                m.message_type as "message_type: MessageType",
                m.content,
                m.client_message_id,
                m.created_at
            from conversation_members mine
            join conversations c on c.id = mine.conversation_id
            join conversation_members theirs on theirs.conversation_id = c.id and theirs.user_id <> $1
            join users u on u.id = theirs.user_id
            join messages m on m.conversation_id = c.id and m.seq = c.last_seq
            where mine.user_id = $1
              and c.kind = 'direct'
              and not exists (select from blocked_pairs where one = $1 and other = u.id)
              and ($2::uuid is null or c.id = $2)
              and ($3::timestamptz is null or (mine.last_message_at, mine.conversation_id) < ($3, $4))
            order by mine.last_message_at desc, mine.conversation_id desc
            limit $5
            "#,
            me.0,
            only.map(|id| id.0),
            after.map(|(time, _)| time.0),
            after.map(|(_, id)| id.0),
            limit,
        )
        .fetch_all(self.0.pool())
        .await?;
        let conversations = rows.into_iter().map(|row| {
            let mine = row.sender_id == me;
            Conversation {
                id: row.id,
                last_message: Message {
                    id: row.message_id,
                    conversation_id: row.id,
                    seq: row.last_seq,
                    sender_id: row.sender_id,
                    receiver_id: Some(if mine { row.peer_id } else { me }),
                    message_type: row.message_type,
                    content: row.content,
                    client_message_id: row.client_message_id,
                    is_read: (if mine { row.peer_read_seq } else { row.last_read_seq }) >= row.last_seq,
                    created_at: row.created_at,
                },
                peer: Peer {
                    id: row.peer_id,
                    username: row.username,
                    full_name: row.full_name,
                    avatar: row.avatar,
                },
                last_seq: row.last_seq,
                last_read_seq: row.last_read_seq,
                peer_read_seq: row.peer_read_seq,
                unread: row.unread,
                last_message_at: row.last_message_at,
            }
        });
        Ok(conversations.collect())
    }
}
