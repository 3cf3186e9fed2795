//! Pages of a conversation by sequence number, in both directions.

use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::ids::{ConversationId, MessageId, UserId};

/// Which way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The newest messages with a smaller number, newest first. `i64::MAX` begins at the end.
    Before(i64),
    /// The oldest messages with a greater number, oldest first: what a client missed.
    After(i64),
}

/// Which conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Conversation(ConversationId),
    /// The direct one with this person.
    User(UserId),
}

/// Part of a history.
#[derive(Debug)]
pub struct History {
    /// `None`: the two have not written yet.
    pub conversation_id: Option<ConversationId>,
    /// The newest number in the conversation; 0: none yet.
    pub last_seq: i64,
    pub messages: Vec<Message>,
    /// More in the same direction.
    pub has_more: bool,
}

impl Messaging<'_> {
    /// One page. One round trip.
    pub async fn history(
        &self,
        caller: &Caller,
        of: Of,
        direction: Direction,
        limit: u16,
    ) -> Result<History, Error> {
        let (before, after) = match direction {
            Direction::Before(seq) => (Some(seq), None),
            Direction::After(seq) => (None, Some(seq)),
        };
        let (conversation, user) = match of {
            Of::Conversation(id) => (Some(id.0), None),
            Of::User(id) => (None, Some(id.0)),
        };
        // The first row is the conversation itself, so that an empty page and a missing conversation differ.
        let rows = sqlx::query!(
            r#"
            with conversation as (
                select
                    c.id,
                    c.last_seq,
                    case $1 when c.user_lo then c.user_hi else c.user_lo end as peer,
                    coalesce(mine.last_read_seq, 0) as my_read,
                    theirs.last_read_seq as peer_read
                from conversations c
                join conversation_members mine on mine.conversation_id = c.id and mine.user_id = $1
                left join conversation_members theirs
                    on theirs.conversation_id = c.id
                   and theirs.user_id = case $1 when c.user_lo then c.user_hi else c.user_lo end
                where c.id = coalesce(
                    $2,
                    (select id from conversations where user_lo = least($1, $3::uuid) and user_hi = greatest($1, $3::uuid))
                )
                  and (c.kind <> 'direct' or can_interact(c.user_lo, c.user_hi))
            ),
            -- One value and not a join: so the index gives the page in order, and nothing beyond it is read.
            page as (
                (
                    select * from messages
                    where conversation_id = (select id from conversation) and seq < $4
                    order by seq desc
                    limit $6
                )
                union all
                (
                    select * from messages
                    where conversation_id = (select id from conversation) and seq > $5
                    order by seq
                    limit $6
                )
            )
            select
                c.id as "conversation_id!: ConversationId",
                c.last_seq as "last_seq!",
                c.peer as "peer: UserId",
                c.my_read as "my_read!",
                c.peer_read as "peer_read?",
                p.id as "id?: MessageId",
                p.seq as "seq?",
                p.sender_id as "sender_id?: UserId",
                p.message_type as "message_type?: MessageType",
                p.content as "content?",
                p.client_message_id as "client_message_id?",
                p.created_at as "created_at?"
            from conversation c left join page p on true
            order by case when $4::bigint is null then p.seq else -p.seq end
            "#,
            caller.user_id.0,
            conversation,
            user,
            before,
            after,
            i64::from(limit) + 1,
        )
        .fetch_all(self.0.pool())
        .await?;
        let Some(first) = rows.first() else { return self.nothing_yet(caller, of).await };
        let (conversation_id, last_seq) = (first.conversation_id, first.last_seq);
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let (Some(id), Some(seq), Some(sender_id), Some(message_type), Some(content), Some(created_at)) =
                (row.id, row.seq, row.sender_id, row.message_type, row.content, row.created_at)
            else {
                continue;
            };
            let mine = sender_id == caller.user_id;
            let read_to = if mine { row.peer_read.unwrap_or(0) } else { row.my_read };
            messages.push(Message {
                id,
                conversation_id,
                seq,
                sender_id,
                receiver_id: if mine { row.peer } else { row.peer.map(|_| caller.user_id) },
                message_type,
                content,
                client_message_id: row.client_message_id,
                is_read: read_to >= seq,
                created_at,
            });
        }
        let has_more = messages.len() > usize::from(limit);
        messages.truncate(usize::from(limit));
        Ok(History { conversation_id: Some(conversation_id), last_seq, messages, has_more })
    }

    /// With somebody who can be written to there is a conversation without messages; anything else is not there.
    async fn nothing_yet(&self, caller: &Caller, of: Of) -> Result<History, Error> {
        let Of::User(user) = of else { return Err(Error::ConversationNotFound) };
        if user == caller.user_id {
            return Err(Error::Yourself);
        }
        let there = sqlx::query_scalar!(
            r#"select can_interact($1, id) as "can_interact!" from users where id = $2 and status <> 'deleted'"#,
            caller.user_id.0,
            user.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        if there == Some(true) {
            Ok(History { conversation_id: None, last_seq: 0, messages: Vec::new(), has_more: false })
        } else {
            Err(Error::UserNotFound)
        }
    }
}
