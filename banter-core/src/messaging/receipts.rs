//! Read marks, unread counts, typing.

use sqlx::PgConnection;

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
            with mine as (
                select
                    m.conversation_id,
                    -- Locking the member's row keeps a send of theirs from counting between reading and writing.
                    m.last_read_seq as was,
                    -- And not past what this statement can see, since it counts below what is read by this mark.
                    least($3, (select last_seq from conversations where id = $1)) as wanted
                from conversation_members m
                where m.conversation_id = $1
                  and m.user_id = $2
                  and exists (select from seen_conversations where viewer = $2 and id = $1)
                for update of m
            ),
            moved as (
                update conversation_members m
                set last_read_seq = mine.wanted,
                    unread = case when mine.wanted = m.last_seq then 0 else greatest(0, m.unread - (
                        select count(*)
                        from messages p
                        where p.conversation_id = $1
                          and p.sender_id <> $2
                          and p.deleted_at is null
                          and p.seq > m.last_read_seq
                          and p.seq <= mine.wanted
                          and not exists (select from blocked_pairs b where b.one = $2 and b.other = p.sender_id)
                    )) end
                from mine
                where m.conversation_id = $1 and m.user_id = $2 and m.last_read_seq < mine.wanted
                returning 1
            )
            select
                greatest(was, wanted) as "seq!",
                exists (select from moved) as "moved!",
                array(
                    select user_id from conversation_members where conversation_id = $1 and can_interact($2, user_id)
                ) as "members!: Vec<UserId>"
            from mine
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
                to: marked.members,
                except_socket: None,
                event: Event::MessageRead(mark),
            });
        }
        Ok(marked.seq)
    }

    /// Messages of others that the caller has not read, over all conversations they may see. Costs what is unread.
    pub async fn unread(&self, caller: &Caller) -> Result<i64, Error> {
        let count = sqlx::query_scalar!(
            r#"
            select coalesce(sum(unread), 0)::bigint as "count!"
            from seen_conversations
            where viewer = $1 and unread > 0
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
            select array(
                select user_id
                from conversation_members
                where conversation_id = seen.id and user_id <> $2 and can_interact($2, user_id)
            ) as "others!: Vec<UserId>"
            from seen_conversations seen
            where seen.viewer = $2 and seen.id = $1
            "#,
            conversation.0,
            caller.user_id.0,
        )
        .fetch_optional(self.0.pool())
        .await?;
        others.ok_or(Error::ConversationNotFound)
    }

    /// Tells them. Lost if they are not connected, which is right.
    pub fn typing(&self, caller: &Caller, conversation: ConversationId, audience: Vec<UserId>, starts: bool) {
        let typing = Typing { conversation_id: conversation, user_id: caller.user_id };
        let event = if starts { Event::TypingStart(typing) } else { Event::TypingStop(typing) };
        self.0.bus().deliver(Delivery { to: audience, except_socket: None, event });
    }
}

/// Counts anew what either of two has not read in the groups they share, for whoever changes whether they can interact:
/// what is hidden from somebody is not unread to them.
pub(crate) async fn recount(db: &mut PgConnection, one: UserId, other: UserId) -> Result<(), sqlx::Error> {
    // Senders wait meanwhile. In one order, or two who do this at once would wait for each other; and in a statement of
    // its own, so that the next one sees what was sent before.
    let shared = sqlx::query_scalar!(
        r#"
        select c.id
        from conversations c
        where c.kind <> 'direct'
          and c.id in (
              select mine.conversation_id
              from conversation_members mine
              join conversation_members theirs using (conversation_id)
              where mine.user_id = $1 and theirs.user_id = $2
          )
        order by c.id
        for no key update
        "#,
        one.0,
        other.0,
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update conversation_members m
        set unread = (
            select count(*)
            from messages p
            where p.conversation_id = m.conversation_id
              and p.seq > m.last_read_seq
              and p.seq >= m.from_seq
              and p.sender_id <> m.user_id
              and p.deleted_at is null
              and not exists (select from blocked_pairs b where b.one = m.user_id and b.other = p.sender_id)
        )
        where m.conversation_id = any($3) and m.user_id in ($1, $2)
        "#,
        one.0,
        other.0,
        &shared,
    )
    .execute(db)
    .await?;
    Ok(())
}
