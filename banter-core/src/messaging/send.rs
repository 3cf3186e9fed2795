//! Sending, for REST and sockets alike. One statement finds or makes the conversation, asks whether this may be sent,
//! takes the next sequence number, inserts, counts it as unread, and queues a push for each phone that is to ring; the
//! conversation's row lock orders senders. When it moved nothing, [`refusal`](super::refusal) says why: a retry of a
//! message we have, or something that may not be.

use chrono::{DateTime, Utc};

use super::row::Row;
use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::events::{Delivery, Event};
use crate::ids::{ConversationId, MessageId, UploadId, UserId};
use crate::limits::Act;
use crate::media::{self, Purpose};
use crate::notifications::push;
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
    /// The text; for anything but a text, what is written to it.
    pub content: String,
    /// A link that an upload of the sender's answered, or that upload's id.
    pub media: Option<String>,
    /// A message of the same conversation that this one answers.
    pub reply_to: Option<MessageId>,
    /// 1 to 64 characters chosen by the sender's phone; the same one again is the same message.
    pub client_message_id: Option<String>,
}

impl Draft {
    /// A text that answers nothing.
    pub fn text(target: Target, content: impl Into<String>) -> Self {
        Self {
            target,
            message_type: MessageType::Text,
            content: content.into(),
            media: None,
            reply_to: None,
            client_message_id: None,
        }
    }
}

/// A message that is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub message: Message,
    /// It was stored by an earlier attempt; this one changed nothing and told nobody.
    pub repeated: bool,
}

/// How often a send is tried that changes of its group's members overtake.
const MOST_TRIES: u8 = 5;
/// Characters.
pub const MAX_CONTENT: usize = 4000;

impl Messaging<'_> {
    /// Stores the message and tells everyone in the conversation, except the socket it came by.
    pub async fn send(&self, caller: &Caller, draft: Draft, by_socket: Option<&str>) -> Result<Sent, Error> {
        let new = self.check(caller, &draft)?;
        self.0.limits().take(Act::SendMessage, &caller.user_id.to_string()).await?;
        let mut tries = 0;
        let placed = loop {
            let placed = match draft.target {
                Target::User(receiver) => self.send_to_user(&new, receiver).await,
                Target::Conversation(conversation) => self.send_to_conversation(&new, conversation).await,
            };
            match placed {
                Ok(Some(placed)) => break placed,
                // Nothing moved, or the same message came by another way in this very moment.
                Ok(None) => {}
                Err(error) if violates(&error, "messages_client_message_id_key") => {}
                Err(error) => return Err(error.into()),
            }
            tries += 1;
            if let Some(sent) = self.repeated_or_refused(caller, draft.target, &new).await? {
                return Ok(sent);
            }
            if tries == MOST_TRIES {
                return Err(Error::Busy);
            }
        };
        metrics::counter!("banter_messages_sent_total").increment(1);
        if placed.rings {
            self.0.jobs().wake();
        }
        let audience = (placed.told.clone(), placed.told_without_reply.clone(), placed.told_nothing.clone());
        let message = placed.into_row(&new).seen_by(self.0, caller.user_id).await;
        self.announce(&message, audience, by_socket);
        Ok(Sent { message, repeated: false })
    }

    fn check<'a>(&self, caller: &Caller, draft: &'a Draft) -> Result<New<'a>, Error> {
        let mut problems = Problems::default();
        let is_text = draft.message_type == MessageType::Text;
        let content = text::clean(&draft.content, usize::from(is_text)..=MAX_CONTENT);
        let content = problems.take("content", content);
        let client_id = draft.client_message_id.as_deref().map(valid_client_id).transpose();
        let client_id = problems.take("clientMessageId", client_id).flatten();
        let upload = match (is_text, draft.media.as_deref()) {
            (true, None) => None,
            (true, Some(_)) => problems.take("mediaUrl", Err("is not for a text")),
            (false, None) => problems.take("mediaUrl", Err("is needed for anything but a text")),
            (false, Some(media)) => {
                problems.take("mediaUrl", media::named_by(media).ok_or("is no upload of yours"))
            }
        };
        problems.none()?;
        if draft.target == Target::User(caller.user_id) {
            return Err(Error::Yourself);
        }
        let now = self.0.clock().now();
        Ok(New {
            id: MessageId(self.0.ids().uuid(now)),
            sender: caller.user_id,
            message_type: draft.message_type,
            content: content.expect("no problem"),
            reply_to: draft.reply_to,
            upload,
            client_id,
            now,
        })
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
            cut.reply_to = cut.reply_to.map(super::ReplyTo::hidden);
            deliver(told_without_reply, cut);
        }
        // They see that a number was taken, or would ask for it as one they missed.
        if !told_nothing.is_empty() {
            deliver(told_nothing, message.to_hidden());
        }
        deliver(told, message.clone());
    }

    async fn send_to_user(&self, new: &New<'_>, receiver: UserId) -> Result<Option<Placed>, sqlx::Error> {
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
        .fetch_optional(self.0.pool())
        .await
    }

    async fn send_to_conversation(
        &self,
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
                    ) as reply_hidden,
                    -- In a room it is read while one is in, and nobody is called back to it.
                    c.kind <> 'room' as rings
            "#,
            id.0,
            new
        )
        .fetch_optional(self.0.pool())
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
pub(super) struct New<'a> {
    pub id: MessageId,
    pub sender: UserId,
    pub message_type: MessageType,
    pub content: String,
    pub reply_to: Option<MessageId>,
    pub upload: Option<UploadId>,
    pub client_id: Option<&'a str>,
    pub now: DateTime<Utc>,
}

/// Where it came to stand, with what, and who is to hear.
struct Placed {
    conversation_id: ConversationId,
    seq: i64,
    peer: Option<UserId>,
    told: Vec<UserId>,
    /// What it answers is not for them: by somebody they cannot meet, or older than their time in the group.
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
            peer: self.peer,
            my_read: 0,
            others_read: None,
            hidden: false,
            reply_hidden: false,
        }
    }
}

/// 1 to 64 printable ASCII characters.
pub fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn valid_client_id(id: &str) -> Result<&str, &'static str> {
    if is_client_id(id) { Ok(id) } else { Err("must be 1 to 64 printable ASCII characters") }
}
