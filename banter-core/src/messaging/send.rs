//! Sending, for REST and sockets alike. One statement finds or makes the conversation, asks `can_interact`, takes the
//! next sequence number and inserts; the conversation's row lock orders senders. When it moved nothing, a second
//! statement says why: a retry of a message we have, or nobody there to write to.

use chrono::{DateTime, Utc};

use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::events::{Delivery, Event};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::limits::Act;
use crate::text;

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The direct conversation with this person, made by the first message.
    User(UserId),
    Conversation(ConversationId),
}

/// A message as it came; checked here.
#[derive(Clone, Debug)]
pub struct Draft {
    pub target: Target,
    pub message_type: MessageType,
    pub content: String,
    /// 1 to 64 characters chosen by the sender's phone; the same one again is the same message.
    pub client_message_id: Option<String>,
}

/// A message that is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub message: Message,
    /// It was stored by an earlier attempt; this one changed nothing and told nobody.
    pub repeated: bool,
}

pub const MAX_CONTENT: usize = 4000;

impl Messaging<'_> {
    /// Stores the message and tells everyone in the conversation, except the socket it came by.
    pub async fn send(&self, caller: &Caller, draft: Draft, by_socket: Option<&str>) -> Result<Sent, Error> {
        let mut problems = Problems::default();
        let content = problems.take("content", text::clean(&draft.content, 1..=MAX_CONTENT));
        let client_id = draft.client_message_id.as_deref().map(valid_client_id).transpose();
        let client_id = problems.take("clientMessageId", client_id).flatten();
        problems.none()?;
        let content = content.expect("no problem");
        if draft.target == Target::User(caller.user_id) {
            return Err(Error::Yourself);
        }
        self.0.limits().take(Act::SendMessage, &caller.user_id.to_string()).await?;

        let now = self.0.clock().now();
        let new = New {
            id: MessageId(self.0.ids().uuid(now)),
            sender: caller.user_id,
            message_type: draft.message_type,
            content,
            client_id,
            now,
        };
        let stored = match draft.target {
            Target::User(receiver) => self.send_to_user(&new, receiver).await,
            Target::Conversation(conversation) => self.send_to_conversation(&new, conversation).await,
        };
        let place = match stored {
            Ok(Some(place)) => place,
            // Nothing moved, or the same message came by another way in this very moment.
            Ok(None) => return self.explain(caller, draft.target, &new).await,
            Err(error) if violates(&error, "messages_client_message_id_key") => {
                return self.explain(caller, draft.target, &new).await;
            }
            Err(error) => return Err(error.into()),
        };
        let message = Message {
            id: new.id,
            conversation_id: place.conversation,
            seq: place.seq,
            sender_id: caller.user_id,
            receiver_id: place.peer,
            message_type: new.message_type,
            content: new.content,
            client_message_id: client_id.map(str::to_owned),
            is_read: false,
            created_at: now,
        };
        metrics::counter!("banter_messages_sent_total").increment(1);
        self.0.bus().deliver(Delivery {
            to: place.peer.into_iter().chain([caller.user_id]).collect(),
            except_socket: by_socket.map(str::to_owned),
            event: Event::MessageNew(message.clone()),
        });
        Ok(Sent { message, repeated: false })
    }

    async fn send_to_user(&self, new: &New<'_>, receiver: UserId) -> Result<Option<Place>, sqlx::Error> {
        let stored = sqlx::query!(
            r#"
            with conversation as (
                insert into conversations as c
                    (id, kind, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at)
                select $1, 'direct', least($2, $3::uuid), greatest($2, $3::uuid), 1, $2, $4, $4
                where exists (select from users where id = $3 and status <> 'deleted')
                  and can_interact($2, $3)
                  and not exists (select from messages where sender_id = $2 and client_message_id = $5)
                on conflict (user_lo, user_hi) do update
                set last_seq = c.last_seq + 1,
                    last_sender_id = $2,
                    last_message_at = greatest(c.last_message_at, $4)
                returning id, last_seq
            ),
            membership as (
                insert into conversation_members as m
                    (conversation_id, user_id, unread, last_seq, last_message_at, joined_at)
                select id, person, case when person = $2 then 0 else 1 end, last_seq, $4, $4
                from conversation, unnest(array[$2, $3]) as person
                on conflict (conversation_id, user_id) do update
                set unread = m.unread + excluded.unread,
                    last_seq = excluded.last_seq,
                    last_message_at = greatest(m.last_message_at, $4)
            )
            insert into messages
                (id, conversation_id, seq, sender_id, message_type, content, client_message_id, created_at)
            select $6, id, last_seq, $2, $7, $8, $5, $4 from conversation
            returning conversation_id as "conversation: ConversationId", seq
            "#,
            self.0.ids().uuid(new.now),
            new.sender.0,
            receiver.0,
            new.now,
            new.client_id,
            new.id.0,
            new.message_type as MessageType,
            new.content,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(stored.map(|row| Place { conversation: row.conversation, seq: row.seq, peer: Some(receiver) }))
    }

    async fn send_to_conversation(
        &self,
        new: &New<'_>,
        id: ConversationId,
    ) -> Result<Option<Place>, sqlx::Error> {
        let stored = sqlx::query!(
            r#"
            with conversation as (
                update conversations c
                set last_seq = c.last_seq + 1,
                    last_sender_id = $2,
                    last_message_at = greatest(c.last_message_at, $3)
                where c.id = $1
                  and exists (select from conversation_members where conversation_id = $1 and user_id = $2)
                  and (
                      c.kind <> 'direct'
                      or can_interact(c.user_lo, c.user_hi)
                      and not exists (
                          select from users where id in (c.user_lo, c.user_hi) and id <> $2 and status = 'deleted'
                      )
                  )
                  and not exists (select from messages where sender_id = $2 and client_message_id = $4)
                returning c.id, c.last_seq, case $2 when c.user_lo then c.user_hi else c.user_lo end as peer
            ),
            membership as (
                update conversation_members
                set unread = unread + case when user_id = $2 then 0 else 1 end,
                    last_seq = (select last_seq from conversation),
                    last_message_at = greatest(last_message_at, $3)
                where conversation_id = (select id from conversation)
            ),
            message as (
                insert into messages
                    (id, conversation_id, seq, sender_id, message_type, content, client_message_id, created_at)
                select $5, id, last_seq, $2, $6, $7, $4, $3 from conversation
            )
            select id as "conversation: ConversationId", last_seq as seq, peer as "peer: UserId" from conversation
            "#,
            id.0,
            new.sender.0,
            new.now,
            new.client_id,
            new.id.0,
            new.message_type as MessageType,
            new.content,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(stored.map(|row| Place { conversation: row.conversation, seq: row.seq, peer: row.peer }))
    }

    /// Why nothing was stored.
    async fn explain(&self, caller: &Caller, target: Target, new: &New<'_>) -> Result<Sent, Error> {
        let earlier = sqlx::query!(
            r#"
            select
                m.id as "id: MessageId",
                m.conversation_id as "conversation_id: ConversationId",
                m.seq,
                case m.sender_id when c.user_lo then c.user_hi else c.user_lo end as "peer: UserId",
                m.message_type as "message_type: MessageType",
                m.content,
                coalesce(peer.last_read_seq >= m.seq, false) as "is_read!",
                m.created_at
            from messages m
            join conversations c on c.id = m.conversation_id
            left join conversation_members peer
                on peer.conversation_id = c.id
               and peer.user_id = case m.sender_id when c.user_lo then c.user_hi else c.user_lo end
            where m.sender_id = $1 and m.client_message_id = $2
            "#,
            caller.user_id.0,
            new.client_id,
        )
        .fetch_optional(self.0.pool())
        .await?;
        match (earlier, target) {
            (Some(row), target) => {
                let same_target = match target {
                    Target::User(user) => row.peer == Some(user),
                    Target::Conversation(conversation) => row.conversation_id == conversation,
                };
                if !same_target || row.content != new.content || row.message_type != new.message_type {
                    return Err(Error::ClientIdReused);
                }
                let message = Message {
                    id: row.id,
                    conversation_id: row.conversation_id,
                    seq: row.seq,
                    sender_id: caller.user_id,
                    receiver_id: row.peer,
                    message_type: row.message_type,
                    content: row.content,
                    client_message_id: new.client_id.map(str::to_owned),
                    is_read: row.is_read,
                    created_at: row.created_at,
                };
                Ok(Sent { message, repeated: true })
            }
            (None, Target::User(_)) => Err(Error::UserNotFound),
            (None, Target::Conversation(_)) => Err(Error::ConversationNotFound),
        }
    }
}

struct New<'a> {
    id: MessageId,
    sender: UserId,
    message_type: MessageType,
    content: String,
    client_id: Option<&'a str>,
    now: DateTime<Utc>,
}

/// Where a message came to stand.
struct Place {
    conversation: ConversationId,
    seq: i64,
    peer: Option<UserId>,
}

/// 1 to 64 printable ASCII characters.
pub fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn valid_client_id(id: &str) -> Result<&str, &'static str> {
    if is_client_id(id) { Ok(id) } else { Err("must be 1 to 64 printable ASCII characters") }
}
