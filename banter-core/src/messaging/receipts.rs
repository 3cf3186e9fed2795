//! Read marks, unread counts, typing.

use sqlx::PgConnection;

use super::{Error, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::events::{Delivery, Event, ReadMark, Typing};
use crate::ids::{ConversationId, UserId};

/// How often a mark is tried that others overtake again and again; they have moved it then, or it is lost like a mark
/// that was never sent.
const MOST_TRIES: u8 = 20;

/// What a try to mark came to.
struct Marked {
    was: i64,
    seq: i64,
    moved: bool,
    /// Those who hear of it.
    members: Vec<UserId>,
}

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
        // What it counts by must not have moved since it was read; where it has, it is read again.
        let mut tries = 0;
        let marked = loop {
            let marked =
                self.try_mark(caller, conversation, seq).await?.ok_or(Error::ConversationNotFound)?;
            tries += 1;
            if marked.moved || marked.seq <= marked.was || tries == MOST_TRIES {
                break marked;
            }
        };
        if marked.moved {
            let mark = ReadMark { conversation_id: conversation, user_id: caller.user_id, seq: marked.seq };
            self.0.bus().deliver(Delivery {
                to: marked.members,
                except_socket: None,
                event: Event::MessageRead(mark),
            });
        }
        Ok(marked.seq.max(marked.was))
    }

    async fn try_mark(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: i64,
    ) -> Result<Option<Marked>, sqlx::Error> {
        sqlx::query_as!(
            Marked,
            r#"
            with mine as materialized (
                select m.last_read_seq, m.last_seq, m.unread, m.from_seq, least($3, m.last_seq) as wanted
                from conversation_members m
                where m.conversation_id = $1
                  and m.user_id = $2
                  and exists (select from seen_conversations where viewer = $2 and id = $1)
            ),
            moved as (
                update conversation_members m
                set last_read_seq = mine.wanted,
                    unread = case when mine.wanted = mine.last_seq then 0 else greatest(0, mine.unread - (
                        select count(*)
                        from messages
                        where conversation_id = $1
                          and sender_id <> $2
                          and deleted_at is null
                          and seq > mine.last_read_seq
                          and seq >= mine.from_seq
                          and seq <= mine.wanted
                          and not exists (select from blocked_pairs where one = $2 and other = sender_id)
                    )) end,
                    -- The reader's other phones learn of it when they come back.
                    changed_at = $4
                from mine
                where m.conversation_id = $1
                  and m.user_id = $2
                  and mine.last_read_seq < mine.wanted
                  and (m.last_read_seq, m.last_seq, m.unread) = (mine.last_read_seq, mine.last_seq, mine.unread)
                returning 1
            )
            select
                last_read_seq as was,
                wanted as "seq!",
                exists (select from moved) as "moved!",
                array(
                    select user_id
                    from conversation_members
                    where conversation_id = $1
                      and not exists (select from blocked_pairs where one = $2 and other = user_id)
                ) as "members!: Vec<UserId>"
            from mine
            "#,
            conversation.0,
            caller.user_id.0,
            seq,
            self.0.clock().now(),
        )
        .fetch_optional(self.0.pool())
        .await
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

    /// After a block between two people, or its end: other messages of the groups and rooms they share are visible to them.
    pub(crate) async fn recount_shared(
        &self,
        db: &mut PgConnection,
        one: UserId,
        other: UserId,
    ) -> Result<(), sqlx::Error> {
        let shared = sqlx::query_scalar!(
            r#"
            select c.id
            from conversations c
            where c.kind <> 'direct'
              and exists (select from conversation_members where conversation_id = c.id and user_id = $1)
              and c.id in (select conversation_id from conversation_members where user_id = $2)
            order by c.id
            -- Before the members' rows, as a send takes them.
            for no key update
            "#,
            one.0,
            other.0,
        )
        .fetch_all(&mut *db)
        .await?;
        if !shared.is_empty() {
            sqlx::query!(
                r#"
                update conversation_members
                set unread = count_unread(user_id, conversation_id)
                where conversation_id = any($1) and user_id in ($2, $3)
                "#,
                &shared,
                one.0,
                other.0,
            )
            .execute(db)
            .await?;
        }
        Ok(())
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
