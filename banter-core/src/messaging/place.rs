//! The statement that stores a message: it finds or makes the conversation, asks whether this may be sent, takes the next
//! sequence number, inserts, counts it as unread, and queues a push for each phone that is to ring; the conversation's row
//! lock orders senders. It runs alone, or in a transaction in which something else comes about with the message.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::row::Row;
use super::send::Target;
use super::{Message, MessageGift, MessageType, Messaging, ReplyTo};
use crate::events::{Delivery, Event};
use crate::ids::{ConversationId, MessageId, UploadId, UserId};
use crate::media::{self, Purpose};
use crate::notifications::push;

impl Messaging<'_> {
    /// Stores the message; [`tell_placed`](Self::tell_placed) follows the commit. `None`: nothing moved.
    pub(crate) async fn place(
        &self,
        db: &mut PgConnection,
        new: &New<'_>,
        target: Target,
    ) -> Result<Option<Placed>, sqlx::Error> {
        match target {
            Target::User(receiver) => self.place_with_user(db, new, receiver).await,
            Target::Conversation(conversation) => self.place_in_conversation(db, new, conversation).await,
        }
    }

    /// After the commit: has phones ring, and tells everyone in the conversation, except the socket it came by. The message
    /// as its sender sees it.
    pub(crate) async fn tell_placed(
        &self,
        placed: Placed,
        new: &New<'_>,
        by_socket: Option<&str>,
    ) -> Message {
        metrics::counter!("banter_messages_sent_total").increment(1);
        if placed.rings {
            self.0.jobs().wake();
        }
        let audience = (placed.told.clone(), placed.told_without_reply.clone(), placed.told_nothing.clone());
        let message = placed.into_row(new).seen_by(self.0, new.sender).await;
        self.announce(&message, audience, by_socket);
        message
    }

    fn announce(
        &self,
        message: &Message,
        (told, told_without_reply, told_nothing): (Vec<UserId>, Vec<UserId>, Vec<UserId>),
        by_socket: Option<&str>,
    ) {
        let deliver = |to: Vec<UserId>, message: Message| {
            if !to.is_empty() {
                let except_socket = by_socket.map(str::to_owned);
                self.0.bus().deliver(Delivery { to, except_socket, event: Event::MessageNew(message) });
            }
        };
        if !told_without_reply.is_empty() {
            let mut cut = message.clone();
            cut.reply_to = cut.reply_to.map(ReplyTo::hidden);
            if let Some(gift) = &mut cut.gift {
                gift.hide();
            }
            deliver(told_without_reply, cut);
        }
        // They see that a number was taken, or would ask for it as one they missed.
        if !told_nothing.is_empty() {
            deliver(told_nothing, message.to_hidden());
        }
        deliver(told, message.clone());
    }

    async fn place_with_user(
        &self,
        db: &mut PgConnection,
        new: &New<'_>,
        receiver: UserId,
    ) -> Result<Option<Placed>, sqlx::Error> {
        store!(
            r#"
                insert into conversations as c
                    (id, kind, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at)
                select $1, 'direct', least($2, $11::uuid), greatest($2, $11::uuid), 1, $2, $3, $3
                from (
                    -- What the two have so far.
                    select k.id, k.last_sender_id
                    from (select) as one_row
                    left join conversations k on k.user_lo = least($2::uuid, $11::uuid) and k.user_hi = greatest($2::uuid, $11::uuid)
                ) as so_far
                where exists (select from users where id = $11 and status <> 'deleted')
                  and not exists (select from blocked_pairs where one = $2 and other = $11)
                  -- Asked of those who set something only: the call costs as much as the rest of the statement.
                  and (
                      not exists (select from user_settings where user_id = $11)
                      or so_far.last_sender_id = $11
                      or may_message($2, $11)
                  )
                  and ($8::uuid is null or can_reply_to($2, so_far.id, $8))
                  and ($9::uuid is null or can_attach($2, $9, $6))
                  and not exists (select from messages where sender_id = $2 and client_message_id = $4)
                on conflict (user_lo, user_hi) do update
                set last_seq = c.last_seq + 1,
                    last_sender_id = $2,
                    last_message_at = greatest(c.last_message_at, $3)
                returning id, last_seq, $11::uuid as peer
            "#,
            r#"
                insert into conversation_members as m
                    (conversation_id, user_id, unread, last_seq, last_message_at, joined_at)
                select id, person, case when person = $2 then 0 else 1 end, last_seq, $3, $3
                from conversation, unnest(array[$2, $11]) as person
                on conflict (conversation_id, user_id) do update
                set unread = m.unread + excluded.unread,
                    last_seq = excluded.last_seq,
                    last_message_at = greatest(m.last_message_at, $3)
                returning user_id, false as hidden, false as reply_hidden, true as rings
            "#,
            self.0.ids().uuid(new.now),
            new,
            receiver.0
        )
        .fetch_optional(db)
        .await
    }

    async fn place_in_conversation(
        &self,
        db: &mut PgConnection,
        new: &New<'_>,
        id: ConversationId,
    ) -> Result<Option<Placed>, sqlx::Error> {
        store!(
            r#"
                update conversations c
                set last_seq = c.last_seq + 1,
                    last_sender_id = $2,
                    last_message_at = greatest(c.last_message_at, $3)
                from seen_conversations seen
                left join users other on other.id = seen.peer
                where c.id = $1
                  -- Who is in changed while this waited, and it cannot see that: it moves nothing, and is tried again.
                  and c.members_version = (select members_version from conversations where id = $1)
                  and seen.viewer = $2
                  and seen.id = $1
                  and (seen.kind <> 'room' or not is_silenced($2, $1))
                  and (
                      other.id is null
                      or other.status <> 'deleted'
                      and (
                          not exists (select from user_settings where user_id = other.id)
                          or c.last_sender_id = other.id
                          or may_message($2, other.id)
                      )
                  )
                  and ($8::uuid is null or can_reply_to($2, $1, $8))
                  and ($9::uuid is null or can_attach($2, $9, $6))
                  and not exists (select from messages where sender_id = $2 and client_message_id = $4)
                returning c.id, c.last_seq, seen.peer, c.kind
            "#,
            r#"
                update conversation_members m
                set unread = m.unread + case
                        when m.user_id = $2 then 0
                        when exists (select from blocked_pairs where one = $2 and other = m.user_id) then 0
                        else 1
                    end,
                    last_seq = c.last_seq,
                    last_message_at = greatest(m.last_message_at, $3)
                from conversation c
                where m.conversation_id = c.id
                returning
                    m.user_id,
                    exists (select from blocked_pairs where one = $2 and other = m.user_id) as hidden,
                    exists (
                        select
                        from messages r
                        where r.id = $8
                          and (
                              r.seq < m.from_seq
                              or exists (select from blocked_pairs where one = r.sender_id and other = m.user_id)
                          )
                    )
                    or exists (select from blocked_pairs where one = $11::uuid and other = m.user_id) as reply_hidden,
                    -- In a room it is read while one is in, and nobody is called back to it.
                    c.kind <> 'room' as rings
            "#,
            id.0,
            new,
            new.gift.and_then(|gift| gift.receiver_id).map(|receiver| receiver.0)
        )
        .fetch_optional(db)
        .await
    }
}

/// The statement that stores a message: the two ways to it differ in how the conversation (`$1` its id, perhaps to be)
/// and its members' rows move.
macro_rules! store {
    ($conversation:literal, $membership:literal, $id:expr, $new:expr $(, $receiver:expr)?) => {
        sqlx::query_as!(
            Placed,
            r#"
            with conversation as (
            "# + $conversation + r#"
            ),
            membership as (
            "# + $membership + r#"
            ),
            message as (
                insert into messages
                    (id, conversation_id, seq, sender_id, client_message_id, message_type, content, reply_to_id, upload_id,
                     created_at)
                select $5::uuid, id, last_seq, $2, $4, $6, $7, $8, $9, $3 from conversation
            ),
            kept as (
                update uploads
                set used_at = $3
                where id = $9 and used_at is null and doomed_at is null and exists (select from conversation)
            ),
            push as (
                insert into jobs (id, kind, payload, run_at, max_attempts, created_at)
                select
                    gen_random_uuid(),
                    'push',
                    jsonb_build_object('session_id', d.session_id, 'about', jsonb_build_object('message', $5::uuid)),
                    $3,
                    $10,
                    $3
                from membership m
                join devices d on d.user_id = m.user_id
                where m.user_id <> $2 and not m.hidden and m.rings
                returning 1
            )
            select
                c.id as "conversation_id!: ConversationId",
                c.last_seq as "seq!",
                c.peer as "peer: UserId",
                array(select user_id from membership where not hidden and not reply_hidden) as "told!: Vec<UserId>",
                array(select user_id from membership where not hidden and reply_hidden)
                    as "told_without_reply!: Vec<UserId>",
                array(select user_id from membership where hidden) as "told_nothing!: Vec<UserId>",
                exists (select from push) as "rings!",
                r.id as "reply_id?: MessageId",
                r.seq as "reply_seq?",
                r.sender_id as "reply_sender_id?: UserId",
                r.message_type as "reply_type?: MessageType",
                left(r.content, 200) as reply_content,
                u.id as "upload_id?: UploadId",
                u.purpose as "upload_purpose?: Purpose",
                u.kind as "upload_kind?: media::Kind",
                u.content_type as "content_type?",
                u.bytes as "bytes?",
                u.width,
                u.height,
                u.duration_ms,
                u.object_key as "object_key?",
                u.thumbnail_key
            from conversation c
            left join messages r on r.id = $8
            left join uploads u on u.id = $9
            "#,
            $id,
            $new.sender.0,
            $new.now,
            $new.client_id,
            $new.id.0,
            $new.message_type as MessageType,
            $new.content,
            $new.reply_to.map(|id| id.0),
            $new.upload.map(|id| id.0),
            push::MAX_ATTEMPTS,
            $($receiver,)?
        )
    };
}
use store;

/// A message that is about to be.
pub(crate) struct New<'a> {
    pub id: MessageId,
    pub sender: UserId,
    pub message_type: MessageType,
    pub content: String,
    pub reply_to: Option<MessageId>,
    pub upload: Option<UploadId>,
    /// What it shows, where it is a gift.
    pub gift: Option<MessageGift>,
    pub client_id: Option<&'a str>,
    pub now: DateTime<Utc>,
}

/// Where it came to stand, with what, and who is to hear.
pub(crate) struct Placed {
    conversation_id: ConversationId,
    seq: i64,
    peer: Option<UserId>,
    told: Vec<UserId>,
    /// What it answers is not for them: by somebody they cannot meet, or older than their time in the group. Or they cannot
    /// meet whom it gives something.
    told_without_reply: Vec<UserId>,
    /// They cannot meet its sender.
    told_nothing: Vec<UserId>,
    /// A push was queued.
    rings: bool,
    reply_id: Option<MessageId>,
    reply_seq: Option<i64>,
    reply_sender_id: Option<UserId>,
    reply_type: Option<MessageType>,
    reply_content: Option<String>,
    upload_id: Option<UploadId>,
    upload_purpose: Option<Purpose>,
    upload_kind: Option<media::Kind>,
    content_type: Option<String>,
    bytes: Option<i64>,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i32>,
    object_key: Option<String>,
    thumbnail_key: Option<String>,
}

impl Placed {
    /// Is this one of those who may see whose message it is?
    pub(crate) fn reaches(&self, user: UserId) -> bool {
        self.told.contains(&user)
    }

    pub(crate) fn conversation(&self) -> ConversationId {
        self.conversation_id
    }

    fn into_row(self, new: &New<'_>) -> Row {
        Row {
            id: new.id,
            conversation_id: self.conversation_id,
            seq: self.seq,
            sender_id: new.sender,
            message_type: new.message_type,
            content: new.content.clone(),
            client_message_id: new.client_id.map(str::to_owned),
            created_at: new.now,
            edited_at: None,
            deleted_at: None,
            reply_id: self.reply_id,
            reply_seq: self.reply_seq,
            reply_sender_id: self.reply_sender_id,
            reply_type: self.reply_type,
            reply_content: self.reply_content,
            reply_deleted: Some(false),
            upload_id: self.upload_id,
            upload_purpose: self.upload_purpose,
            upload_kind: self.upload_kind,
            content_type: self.content_type,
            bytes: self.bytes,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            object_key: self.object_key,
            thumbnail_key: self.thumbnail_key,
            gift: new.gift.map(Box::new),
            peer: self.peer,
            my_read: 0,
            others_read: None,
            hidden: false,
            reply_hidden: false,
        }
    }
}
