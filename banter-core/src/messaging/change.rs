//! Changing what was sent: an edit within a quarter of an hour, a deletion at any time, which leaves a tombstone.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use super::groups::Role;
use super::{Error, Messaging};
use crate::Banter;
use crate::accounts::Caller;
use crate::error::Problems;
use crate::events::{Delivery, Event, MessageDeleted, MessageEdited};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::limits::Act;
use crate::messaging::send::MAX_CONTENT;
use crate::moderation::rules::{Place, Verdict};
use crate::text;

/// How long a text may be edited.
pub const EDITABLE: TimeDelta = TimeDelta::minutes(15);

impl Messaging<'_> {
    /// Replaces the caller's own text. The same text again changes nothing.
    pub async fn edit(&self, caller: &Caller, id: MessageId, content: &str) -> Result<MessageEdited, Error> {
        let content = text::clean(content, 1..=MAX_CONTENT);
        let content = content.map_err(|problem| Problems::one("content", problem))?;
        self.0.limits().take(Act::SendMessage, &caller.user_id.to_string()).await?;
        let flagged = match self.0.moderation().judge(caller.user_id, Place::Of(id), &content).await? {
            Verdict::Pass => None,
            Verdict::Flag(hit) => Some(hit),
            // What is there cannot be held back any more: it stays as it was.
            Verdict::Hold(_) | Verdict::Block(_) => return Err(Error::Blocked),
        };
        let now = self.0.clock().now();
        let edited = sqlx::query!(
            r#"
            with conversation as (
                select c.id
                from conversations c
                where c.id = (select conversation_id from messages where id = $1)
                -- Before the members' rows, as a send takes them.
                for no key update
            ),
            edited as (
                update messages m
                set content = $3, edited_at = $4
                from conversation c
                join seen_conversations seen on seen.viewer = $2 and seen.id = c.id
                where m.id = $1
                  and m.conversation_id = c.id
                  and m.sender_id = $2
                  and m.message_type = 'text'
                  and m.deleted_at is null
                  and m.created_at > $5
                returning m.conversation_id, m.seq
            ),
            membership as (
                update conversation_members m
                set changed_at = $4
                from edited e
                where m.conversation_id = e.conversation_id
                returning
                    m.user_id,
                    m.from_seq > e.seq or exists (select from blocked_pairs where one = $2 and other = m.user_id) as hidden
            )
            select
                e.conversation_id as "conversation_id: ConversationId",
                e.seq,
                array(select user_id from membership where not hidden) as "told!: Vec<UserId>"
            from edited e
            "#,
            id.0,
            caller.user_id.0,
            content,
            now,
            now - EDITABLE,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(edited) = edited else { return Err(self.why_not_edited(caller, id, now).await?) };
        let event = MessageEdited {
            id,
            conversation_id: edited.conversation_id,
            seq: edited.seq,
            content,
            edited_at: now,
        };
        self.0.bus().deliver(Delivery {
            to: edited.told,
            except_socket: None,
            event: Event::MessageEdited(event.clone()),
        });
        if let Some(hit) = flagged {
            self.0.moderation().flag(caller.user_id, id, &hit).await;
        }
        Ok(event)
    }

    /// Takes the caller's own message back, or as a group's owner or admin anybody's; its media goes with it. A repeat
    /// changes nothing.
    pub async fn delete(&self, caller: &Caller, id: MessageId) -> Result<MessageDeleted, Error> {
        match self.erase(self.0.pool(), id, Some(caller.user_id)).await? {
            Some(erased) => Ok(erased.tell(self.0)),
            None => self.why_not_deleted(caller, id).await,
        }
    }

    /// Leaves a tombstone of a message that `by` may delete, or for staff (`None`) of any. `None`: it was not there, or had
    /// been deleted.
    pub(crate) async fn erase(
        &self,
        db: impl PgExecutor<'_>,
        id: MessageId,
        by: Option<UserId>,
    ) -> Result<Option<Erased>, sqlx::Error> {
        let now = self.0.clock().now();
        let deleted = sqlx::query!(
            r#"
            with conversation as (
                select c.id
                from conversations c
                where c.id = (select conversation_id from messages where id = $1)
                for no key update
            ),
            target as (
                select m.id, m.conversation_id, m.seq, m.sender_id, m.upload_id
                from messages m
                join conversation c on c.id = m.conversation_id
                where m.id = $1
                  and m.deleted_at is null
                  and (
                      $2::uuid is null
                      or exists (
                          select
                          from seen_conversations seen
                          where seen.viewer = $2
                            and seen.id = m.conversation_id
                            and m.seq >= seen.from_seq
                            and (m.sender_id = $2 or seen.role in ('owner', 'admin') and can_interact($2, m.sender_id))
                      )
                  )
                for update of m
            ),
            deleted as (
                update messages m
                set content = '', upload_id = null, deleted_at = $3
                from target t
                where m.id = t.id
            ),
            media as (
                update uploads u
                set doomed_at = $3
                from target t
                where u.id = t.upload_id
                  and not exists (select from messages other where other.upload_id = u.id and other.id <> t.id)
            ),
            membership as (
                update conversation_members m
                set changed_at = $3,
                    unread = m.unread - case
                        when m.unread > 0 and m.last_read_seq < t.seq and m.from_seq <= t.seq and m.user_id <> t.sender_id
                            and not exists (select from blocked_pairs where one = t.sender_id and other = m.user_id)
                        then 1 else 0
                    end
                from target t
                where m.conversation_id = t.conversation_id
                returning m.user_id
            )
            select
                conversation_id as "conversation_id: ConversationId",
                seq,
                array(select user_id from membership) as "told!: Vec<UserId>"
            from target
            "#,
            id.0,
            by.map(|user| user.0),
            now,
        )
        .fetch_optional(db)
        .await?;
        Ok(deleted.map(|deleted| Erased {
            told: deleted.told,
            event: MessageDeleted {
                id,
                conversation_id: deleted.conversation_id,
                seq: deleted.seq,
                deleted_at: now,
            },
        }))
    }

    async fn why_not_edited(
        &self,
        caller: &Caller,
        id: MessageId,
        now: DateTime<Utc>,
    ) -> Result<Error, sqlx::Error> {
        let Some(found) = self.visible(caller, id).await? else { return Ok(Error::MessageNotFound) };
        Ok(if found.sender_id != caller.user_id {
            Error::NotYours
        } else if found.deleted_at.is_some() || !found.is_text {
            Error::NotEditable
        } else if found.created_at <= now - EDITABLE {
            Error::TooLateToEdit
        } else {
            Error::MessageNotFound
        })
    }

    async fn why_not_deleted(&self, caller: &Caller, id: MessageId) -> Result<MessageDeleted, Error> {
        let found = self.visible(caller, id).await?.ok_or(Error::MessageNotFound)?;
        if found.sender_id != caller.user_id && !found.role.moderates() {
            return Err(Error::NotYours);
        }
        let deleted_at = found.deleted_at.ok_or(Error::MessageNotFound)?;
        Ok(MessageDeleted { id, conversation_id: found.conversation_id, seq: found.seq, deleted_at })
    }

    async fn visible(&self, caller: &Caller, id: MessageId) -> Result<Option<Visible>, sqlx::Error> {
        sqlx::query_as!(
            Visible,
            r#"
            select
                m.conversation_id as "conversation_id: ConversationId",
                m.seq,
                m.sender_id as "sender_id: UserId",
                m.message_type = 'text' as "is_text!",
                m.created_at,
                m.deleted_at,
                seen.role as "role!: Role"
            from messages m
            join seen_conversations seen on seen.viewer = $2 and seen.id = m.conversation_id
            where m.id = $1 and m.seq >= seen.from_seq and can_interact($2, m.sender_id)
            "#,
            id.0,
            caller.user_id.0,
        )
        .fetch_optional(self.0.pool())
        .await
    }
}

/// A message that is a tombstone now.
#[must_use = "tell it after the commit"]
pub(crate) struct Erased {
    told: Vec<UserId>,
    event: MessageDeleted,
}

impl Erased {
    /// To those who never saw it, too: it says nothing but that a number is empty.
    pub(crate) fn tell(self, banter: &Banter) -> MessageDeleted {
        let event = Event::MessageDeleted(self.event.clone());
        banter.bus().deliver(Delivery { to: self.told, except_socket: None, event });
        self.event
    }
}

/// A message that the caller may see.
struct Visible {
    conversation_id: ConversationId,
    seq: i64,
    sender_id: UserId,
    is_text: bool,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    role: Role,
}
