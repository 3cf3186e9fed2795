//! Read marks, unread counts, typing.

use super::{Error, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::events::{Delivery, Event, ReadMark, Typing};
use crate::ids::{ConversationId, UserId};

impl Messaging<'_> {
    /// Marks everything up to `seq` as read; the mark only moves forward, and not past the end. Answers where it
    /// stands then.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: i64,
    ) -> Result<i64, Error> {
        if seq < 0 {
            return Err(Problems::one("seq", "must not be negative").into());
        }
        let marked = sqlx::query!(
            r#"
            with conversation as (
                select
                    c.id,
                    -- Locking the member's row keeps a send of theirs from counting between reading and writing.
                    m.last_read_seq as was,
                    least($3, m.last_seq) as wanted,
                    case $2 when c.user_lo then c.user_hi else c.user_lo end as peer
                from conversations c
                join conversation_members m on m.conversation_id = c.id and m.user_id = $2
                where c.id = $1 and (c.kind <> 'direct' or can_interact(c.user_lo, c.user_hi))
                for update of m
            ),
            moved as (
                update conversation_members m
                set last_read_seq = c.wanted,
                    unread = case when c.wanted = m.last_seq then 0 else greatest(0, m.unread - (
                        select count(*)
                        from messages
                        where conversation_id = c.id
                          and sender_id <> $2
                          and deleted_at is null
                          and seq > m.last_read_seq
                          and seq <= c.wanted
                    )) end
                from conversation c
                where m.conversation_id = c.id and m.user_id = $2 and m.last_read_seq < c.wanted
                returning m.last_read_seq
            )
            select
                greatest(was, wanted) as "seq!",
                exists (select from moved) as "moved!",
                peer as "peer: UserId"
            from conversation
            "#,
            conversation.0,
            caller.user_id.0,
            seq,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let marked = marked.ok_or(Error::ConversationNotFound)?;
        if marked.moved {
            let mark = ReadMark { conversation_id: conversation, user_id: caller.user_id, seq: marked.seq };
            self.0.bus().deliver(Delivery {
                to: marked.peer.into_iter().chain([caller.user_id]).collect(),
                except_socket: None,
                event: Event::MessageRead(mark),
            });
        }
        Ok(marked.seq)
    }

    /// Messages of others that the caller has not read, over all conversations with people they can meet.
    pub async fn unread(&self, caller: &Caller) -> Result<i64, Error> {
        let count = sqlx::query_scalar!(
            r#"
            select coalesce(sum(m.unread), 0)::bigint as "count!"
            from conversation_members m
            join conversations c on c.id = m.conversation_id
            where m.user_id = $1
              and m.unread > 0
              and not exists (select from blocked_pairs where one = c.user_lo and other = c.user_hi)
            "#,
            caller.user_id.0,
        )
        .fetch_one(self.0.pool())
        .await?;
        Ok(count)
    }

    /// Who hears that the caller types in this conversation. A socket asks once and remembers for a while.
    pub async fn typing_audience(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<Vec<UserId>, Error> {
        let others = sqlx::query_scalar!(
            r#"
            select other.user_id as "user_id: UserId"
            from conversations c
            join conversation_members mine on mine.conversation_id = c.id and mine.user_id = $2
            join conversation_members other on other.conversation_id = c.id and other.user_id <> $2
            where c.id = $1 and can_interact($2, other.user_id)
            "#,
            conversation.0,
            caller.user_id.0,
        )
        .fetch_all(self.0.pool())
        .await?;
        if others.is_empty() { Err(Error::ConversationNotFound) } else { Ok(others) }
    }

    /// Tells them. Lost if they are not connected, which is right.
    pub fn typing(&self, caller: &Caller, conversation: ConversationId, audience: Vec<UserId>, starts: bool) {
        let typing = Typing { conversation_id: conversation, user_id: caller.user_id };
        let event = if starts { Event::TypingStart(typing) } else { Event::TypingStop(typing) };
        self.0.bus().deliver(Delivery { to: audience, except_socket: None, event });
    }
}
