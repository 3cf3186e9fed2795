//! A message as the database gives it, and as one of its readers sees it.

use chrono::{DateTime, Utc};

use super::{Message, MessageGift, MessageType, ReplyTo};
use crate::Banter;
use crate::ids::{ConversationId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose, Stored};

/// A row of `whole_messages` beside one of `seen_conversations`.
pub(super) struct Row {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub seq: i64,
    pub sender_id: UserId,
    pub message_type: MessageType,
    pub content: String,
    pub client_message_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub edited_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub reply_id: Option<MessageId>,
    pub reply_seq: Option<i64>,
    pub reply_sender_id: Option<UserId>,
    pub reply_type: Option<MessageType>,
    pub reply_content: Option<String>,
    pub reply_deleted: Option<bool>,
    pub upload_id: Option<UploadId>,
    pub upload_purpose: Option<Purpose>,
    pub upload_kind: Option<media::Kind>,
    pub content_type: Option<String>,
    pub bytes: Option<i64>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub duration_ms: Option<i32>,
    pub object_key: Option<String>,
    pub thumbnail_key: Option<String>,
    pub gift: Option<Box<MessageGift>>,
    pub peer: Option<UserId>,
    pub my_read: i64,
    pub others_read: Option<i64>,
    /// In a group with the reader, and by somebody the reader cannot meet.
    pub hidden: bool,
    /// What it answers is by such a one, or older than the reader's time in the group.
    pub reply_hidden: bool,
}

/// Selects messages, each perhaps missing, beside conversations: `$1` is the reader. The literals are CTEs, further columns,
/// and what follows from `from` on, with `c` of `seen_conversations` and `p` of `whole_messages`. [`row!`](row) takes the
/// message out of a record.
macro_rules! select_messages {
    ($with:literal, $columns:literal, $from:literal $(and $rest:literal)?, $($arguments:tt)*) => {
        sqlx::query!(
            $with + r#"
            select
            "# + $columns + r#"
                p.id as "id?: MessageId",
                p.conversation_id as "conversation_id?: ConversationId",
                p.seq as "seq?",
                p.sender_id as "sender_id?: UserId",
                p.message_type as "message_type?: MessageType",
                p.content as "content?",
                p.client_message_id as "client_message_id?",
                p.created_at as "created_at?",
                p.edited_at as "edited_at?",
                p.deleted_at as "deleted_at?",
                p.reply_id as "reply_id?: MessageId",
                p.reply_seq as "reply_seq?",
                p.reply_sender_id as "reply_sender_id?: UserId",
                p.reply_type as "reply_type?: MessageType",
                p.reply_content as "reply_content?",
                p.reply_deleted as "reply_deleted?",
                p.upload_id as "upload_id?: UploadId",
                p.upload_purpose as "upload_purpose?: Purpose",
                p.upload_kind as "upload_kind?: media::Kind",
                p.content_type as "content_type?",
                p.bytes as "bytes?",
                p.width as "width?",
                p.height as "height?",
                p.duration_ms as "duration_ms?",
                p.object_key as "object_key?",
                p.thumbnail_key as "thumbnail_key?",
                p.gift_id as "gift_id?: GiftId",
                p.gift as "gift?",
                p.gift_coins as "gift_coins?",
                p.gift_receiver_id as "gift_receiver_id?: UserId",
                c.last_seq as "last_seq!",
                c.peer as "peer?: UserId",
                c.my_read as "my_read!",
                c.others_read as "others_read?",
                c.kind <> 'direct'
                    and exists (select from blocked_pairs where one = $1 and other = p.sender_id) as "hidden!",
                c.kind <> 'direct'
                    and (
                        p.reply_seq < c.from_seq
                        or exists (select from blocked_pairs where one = $1 and other = p.reply_sender_id)
                    )
                    is true as "reply_hidden!",
                c.kind <> 'direct'
                    and exists (select from blocked_pairs where one = $1 and other = p.gift_receiver_id) as "gift_hidden!"
            "# + $from $(+ $rest)?,
            $($arguments)*
        )
    };
}
pub(super) use select_messages;

/// The message of a record of [`select_messages!`](select_messages), if there is one.
macro_rules! row {
    ($record:expr) => {
        if let (
            Some(id),
            Some(conversation_id),
            Some(seq),
            Some(sender_id),
            Some(message_type),
            Some(content),
            Some(created_at),
        ) = (
            $record.id,
            $record.conversation_id,
            $record.seq,
            $record.sender_id,
            $record.message_type,
            $record.content,
            $record.created_at,
        ) {
            Some($crate::messaging::row::Row {
                id,
                conversation_id,
                seq,
                sender_id,
                message_type,
                content,
                created_at,
                client_message_id: $record.client_message_id,
                edited_at: $record.edited_at,
                deleted_at: $record.deleted_at,
                reply_id: $record.reply_id,
                reply_seq: $record.reply_seq,
                reply_sender_id: $record.reply_sender_id,
                reply_type: $record.reply_type,
                reply_content: $record.reply_content,
                reply_deleted: $record.reply_deleted,
                upload_id: $record.upload_id,
                upload_purpose: $record.upload_purpose,
                upload_kind: $record.upload_kind,
                content_type: $record.content_type,
                bytes: $record.bytes,
                width: $record.width,
                height: $record.height,
                duration_ms: $record.duration_ms,
                object_key: $record.object_key,
                thumbnail_key: $record.thumbnail_key,
                gift: $crate::messaging::MessageGift::of_row(
                    $record.gift_id,
                    $record.gift,
                    $record.gift_coins,
                    $record.gift_receiver_id.filter(|_| !$record.gift_hidden),
                ),
                peer: $record.peer,
                my_read: $record.my_read,
                others_read: $record.others_read,
                hidden: $record.hidden,
                reply_hidden: $record.reply_hidden,
            })
        } else {
            None
        }
    };
}
pub(super) use row;

impl Row {
    /// As `reader` sees it. Of somebody they cannot meet they see that a number was taken, and no more.
    pub(super) async fn seen_by(self, banter: &Banter, reader: UserId) -> Message {
        if self.hidden {
            return Message::hidden(self.id, self.conversation_id, self.seq, self.created_at);
        }
        let mine = self.sender_id == reader;
        let read_to = if mine { self.others_read.unwrap_or(0) } else { self.my_read };
        let reply_to = self.reply();
        let media = match self.stored() {
            Some(stored) => Some(banter.media().view(stored).await),
            None => None,
        };
        Message {
            id: self.id,
            conversation_id: self.conversation_id,
            seq: self.seq,
            sender_id: Some(self.sender_id),
            receiver_id: self.peer.map(|peer| if mine { peer } else { reader }),
            message_type: self.message_type,
            content: self.content,
            media_url: media.as_ref().map(|media| media.url.clone()),
            media,
            gift: self.gift,
            reply_to,
            client_message_id: self.client_message_id,
            is_read: read_to >= self.seq,
            edited_at: self.edited_at,
            is_deleted: self.deleted_at.is_some(),
            is_hidden: false,
            created_at: self.created_at,
        }
    }

    fn reply(&self) -> Option<ReplyTo> {
        let (id, seq, sender) = (self.reply_id?, self.reply_seq?, self.reply_sender_id?);
        let reply = ReplyTo {
            id,
            seq,
            sender_id: Some(sender),
            message_type: self.reply_type?,
            content: self.reply_content.clone().unwrap_or_default(),
            is_deleted: self.reply_deleted.unwrap_or(false),
        };
        Some(if self.reply_hidden { reply.hidden() } else { reply })
    }

    fn stored(&self) -> Option<Stored> {
        Some(Stored {
            id: self.upload_id?,
            purpose: self.upload_purpose?,
            kind: self.upload_kind?,
            content_type: self.content_type.clone()?,
            bytes: self.bytes?,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            object_key: self.object_key.clone()?,
            thumbnail_key: self.thumbnail_key.clone(),
        })
    }
}

/// All of them, in their order.
pub(super) async fn seen_by(banter: &Banter, reader: UserId, rows: Vec<Row>) -> Vec<Message> {
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        messages.push(row.seen_by(banter, reader).await);
    }
    messages
}
