//! Messages that a rule holds: nobody but staff sees them, until they are let go, and then they are sent like any other.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::verdict::Hit;
use crate::accounts::PersonSummary;
use crate::error::{Problems, violates};
use crate::ids::{ConversationId, HeldMessageId, MessageId, UploadId, UserId};
use crate::messaging::place::New;
use crate::messaging::send::Target;
use crate::messaging::{Message, MessageType};
use crate::moderation::audit::Subject;
use crate::moderation::cases::note_of;
use crate::moderation::reasons::Reason;
use crate::moderation::roles::Duty;
use crate::moderation::{Error, Moderation, Staff};
use crate::page::{Page, PageRequest};

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldMessage {
    pub id: HeldMessageId,
    pub sender: PersonSummary,
    /// To whom, where it begins a conversation or was addressed so.
    pub receiver_id: Option<UserId>,
    pub conversation_id: Option<ConversationId>,
    pub message_type: MessageType,
    pub content: String,
    /// The rule that holds it, and what it offends.
    pub rule: String,
    pub reason: Reason,
    pub created_at: DateTime<Utc>,
}

const LIST: &str = "held messages";

impl Moderation<'_> {
    /// Keeps a message back. The same one again, by its client's id, is the same held message.
    pub(crate) async fn hold_message(
        &self,
        new: &New<'_>,
        target: Target,
        hit: &Hit,
    ) -> Result<(), sqlx::Error> {
        let (receiver, conversation) = match target {
            Target::User(user) => (Some(user.0), None),
            Target::Conversation(conversation) => (None, Some(conversation.0)),
        };
        sqlx::query!(
            r#"
            with held as (
                insert into held_messages
                    (id, sender_id, receiver_id, conversation_id, message_type, content, reply_to_id, upload_id,
                     client_message_id, rule, reason, state, created_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'held', $12)
                on conflict (sender_id, client_message_id) where client_message_id is not null do nothing
                returning upload_id
            )
            -- Otherwise it would be collected as one that nothing uses.
            update uploads u set used_at = $12 from held h where u.id = h.upload_id and u.used_at is null
            "#,
            new.id.0,
            new.sender.0,
            receiver,
            conversation,
            new.message_type as MessageType,
            new.content,
            new.reply_to.map(|id| id.0),
            new.upload.map(|id| id.0),
            new.client_id,
            hit.rule,
            hit.reason as Reason,
            new.now,
        )
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// What waits, oldest first. The look is written down.
    pub async fn held_messages(&self, staff: Staff, page: &PageRequest) -> Result<Page<HeldMessage>, Error> {
        staff.require(Duty::SeePrivate)?;
        let after: Option<HeldMessageId> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let mut tx = self.0.pool().begin().await?;
        let rows = sqlx::query!(
            r#"
            select
                h.id as "id: HeldMessageId",
                h.sender_id as "sender_id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                h.receiver_id as "receiver_id: UserId",
                h.conversation_id as "conversation_id: ConversationId",
                h.message_type as "message_type: MessageType",
                h.content,
                h.rule,
                h.reason as "reason: Reason",
                h.created_at
            from held_messages h
            join users u on u.id = h.sender_id
            where h.state = 'held' and ($1::uuid is null or h.id > $1)
            order by h.id
            limit $2
            "#,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let details = json!({ "number": rows.len() });
        self.log(&mut tx, staff, "held.look", Subject::Whole("held"), details).await?;
        tx.commit().await?;
        let held = rows.into_iter().map(|row| HeldMessage {
            id: row.id,
            sender: PersonSummary {
                id: row.sender_id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            receiver_id: row.receiver_id,
            conversation_id: row.conversation_id,
            message_type: row.message_type,
            content: row.content,
            rule: row.rule,
            reason: row.reason,
            created_at: row.created_at,
        });
        Ok(Page::cut(held.collect(), page, LIST, |held| held.id))
    }

    /// Sends what was held, now, unless it may not be sent any more.
    pub async fn release_message(&self, staff: Staff, id: HeldMessageId) -> Result<Message, Error> {
        let me = staff.require_named(Duty::Decide)?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let held = sqlx::query!(
            r#"
            select
                sender_id as "sender: UserId",
                receiver_id as "receiver: UserId",
                conversation_id as "conversation: ConversationId",
                message_type as "message_type: MessageType",
                content,
                reply_to_id as "reply_to: MessageId",
                upload_id as "upload: UploadId",
                client_message_id,
                state
            from held_messages
            where id = $1
            for update
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::HeldNotFound)?;
        if held.state != "held" {
            return Err(Error::HeldDecided);
        }
        if held.sender == me {
            return Err(Error::OwnCase);
        }
        let target = match (held.receiver, held.conversation) {
            (Some(user), _) => Target::User(user),
            (None, Some(conversation)) => Target::Conversation(conversation),
            (None, None) => return Err(Error::Undeliverable),
        };
        // It was only lent to what waited.
        if let Some(upload) = held.upload {
            sqlx::query!("update uploads set used_at = null where id = $1 and doomed_at is null", upload.0)
                .execute(&mut *tx)
                .await?;
        }
        let new = New {
            id: MessageId(self.0.ids().uuid(now)),
            sender: held.sender,
            message_type: held.message_type,
            content: held.content,
            reply_to: held.reply_to,
            upload: held.upload,
            gift: None,
            client_id: held.client_message_id.as_deref(),
            now,
        };
        let placed = self.0.messaging().place(&mut tx, &new, target).await.map_err(|error| match () {
            () if violates(&error, "messages_client_message_id_key") => Error::Undeliverable,
            () => error.into(),
        })?;
        // They left, or one blocked the other: it is for staff to drop it.
        let placed = placed.ok_or(Error::Undeliverable)?;
        sqlx::query!(
            "update held_messages set state = 'released', decided_by = $2, decided_at = $3 where id = $1",
            id.0,
            me.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({ "message": new.id, "sender": held.sender });
        self.log(&mut tx, staff, "held.release", Subject::Held(id.0), details).await?;
        tx.commit().await?;
        Ok(self.0.messaging().tell_placed(placed, &new, None).await)
    }

    /// Has what was held never be sent; its words and files go.
    pub async fn drop_message(&self, staff: Staff, id: HeldMessageId, note: &str) -> Result<(), Error> {
        let me = staff.require_named(Duty::Decide)?;
        let note = note_of(note)?;
        let now = self.0.clock().now();
        let mut tx = self.0.pool().begin().await?;
        let held = sqlx::query!(
            r#"select sender_id as "sender: UserId", state from held_messages where id = $1 for update"#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::HeldNotFound)?;
        if held.state != "held" {
            return Err(Error::HeldDecided);
        }
        if held.sender == me {
            return Err(Error::OwnCase);
        }
        sqlx::query!(
            r#"
            with media as (
                update uploads u
                set doomed_at = $3
                from held_messages h
                where h.id = $1 and u.id = h.upload_id and u.doomed_at is null
            )
            update held_messages
            set state = 'dropped', decided_by = $2, decided_at = $3, content = '', upload_id = null
            where id = $1
            "#,
            id.0,
            me.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({ "sender": held.sender, "note": note });
        self.log(&mut tx, staff, "held.drop", Subject::Held(id.0), details).await?;
        tx.commit().await?;
        Ok(())
    }
}
