//! Why a message was not stored.

use super::place::New;
use super::row::{Row, row, select_messages};
use super::send::{Sent, Target};
use super::{Error, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::Problems;
use crate::ids::{ConversationId, GiftId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose};

impl Messaging<'_> {
    /// The message that an earlier attempt stored, or why this one may not be; `None`: nothing is in its way by now.
    pub(crate) async fn repeated_or_refused(
        &self,
        caller: &Caller,
        target: Target,
        new: &New<'_>,
    ) -> Result<Option<Sent>, Error> {
        let Some(earlier) = self.earlier(caller, new.client_id).await? else {
            return self.refusal(caller, target, new).await?.map_or(Ok(None), Err);
        };
        let same_target = match target {
            Target::User(user) => earlier.peer == Some(user),
            Target::Conversation(conversation) => earlier.conversation_id == conversation,
        };
        let same = same_target
            && earlier.message_type == new.message_type
            && earlier.reply_id == new.reply_to
            // What was edited or deleted since was the same once.
            && (earlier.edited_at.is_some() || earlier.content == new.content && earlier.upload_id == new.upload
                || earlier.deleted_at.is_some());
        if !same {
            return Err(Error::ClientIdReused);
        }
        Ok(Some(Sent { message: earlier.seen_by(self.0, caller.user_id).await, repeated: true }))
    }

    async fn earlier(&self, caller: &Caller, client_id: Option<&str>) -> Result<Option<Row>, sqlx::Error> {
        let Some(client_id) = client_id else { return Ok(None) };
        let found = select_messages!(
            "",
            "",
            r#"
            from messages mine
            join whole_messages p on p.id = mine.id
            join seen_conversations c on c.viewer = $1 and c.id = mine.conversation_id
            where mine.sender_id = $1 and mine.client_message_id = $2
            "#,
            caller.user_id.0,
            client_id,
        )
        .fetch_optional(self.0.pool())
        .await?;
        Ok(found.and_then(|record| row!(record)))
    }

    async fn refusal(
        &self,
        caller: &Caller,
        target: Target,
        new: &New<'_>,
    ) -> Result<Option<Error>, sqlx::Error> {
        let (conversation, user, not_found) = match target {
            Target::Conversation(id) => (Some(id.0), None, Error::ConversationNotFound),
            Target::User(id) => (None, Some(id.0), Error::UserNotFound),
        };
        let found = sqlx::query!(
            r#"
            with target as (
                select id, peer
                from seen_conversations
                where viewer = $1 and id = $2
                union all
                select k.id, u.id
                from users u
                left join conversations k on k.user_lo = least($1, u.id) and k.user_hi = greatest($1, u.id)
                where u.id = $3 and can_interact($1, u.id)
            )
            select
                t.peer is null or exists (select from users where id = t.peer and status <> 'deleted') as "there!",
                t.peer is null
                    or may_message($1, t.peer)
                    or coalesce((select last_sender_id = t.peer from conversations where id = t.id), false) as "accepts!",
                is_silenced($1, t.id) as "silenced!",
                $4::uuid is null or can_reply_to($1, t.id, $4) as "can_reply!",
                $5::uuid is null or can_attach($1, $5, $6) as "can_attach!"
            from target t
            "#,
            caller.user_id.0,
            conversation,
            user,
            new.reply_to.map(|id| id.0),
            new.upload.map(|id| id.0),
            new.message_type as MessageType,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(found) = found.filter(|found| found.there) else { return Ok(Some(not_found)) };
        if found.silenced {
            return Ok(Some(Error::Silenced));
        }
        if !found.accepts {
            return Ok(Some(Error::NotAccepted));
        }
        let mut problems = Problems::default();
        problems.check("replyToId", found.can_reply, "is no message of this conversation");
        problems.check("mediaUrl", found.can_attach, "is no upload of yours of that type");
        Ok(problems.none().err().map(Error::from))
    }
}
