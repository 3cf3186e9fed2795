//! Sending, for REST and sockets alike. [`place`](super::place) stores the message; when it moved nothing,
//! [`refusal`](super::refusal) says why: a retry of a message we have, or something that may not be.

use super::place::New;
use super::{Error, Message, MessageType, Messaging};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::ids::{ConversationId, MessageId, UserId};
use crate::limits::Act;
use crate::moderation::rules::{Place, Verdict};
use crate::{media, text};

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
pub(crate) const MOST_TRIES: u8 = 5;
/// Characters.
pub const MAX_CONTENT: usize = 4000;

impl Messaging<'_> {
    /// Stores the message and tells everyone in the conversation, except the socket it came by.
    pub async fn send(&self, caller: &Caller, draft: Draft, by_socket: Option<&str>) -> Result<Sent, Error> {
        let new = self.check(caller, &draft)?;
        self.0.limits().take(Act::SendMessage, &caller.user_id.to_string()).await?;
        let flagged =
            match self.0.moderation().judge(caller.user_id, Place::To(draft.target), &new.content).await? {
                Verdict::Pass => None,
                Verdict::Flag(hit) => Some(hit),
                verdict @ (Verdict::Hold(_) | Verdict::Block(_)) => {
                    // What was delivered once is delivered, whatever the rules are now.
                    if let Some(sent) = self.repeated_or_refused(caller, draft.target, &new).await? {
                        return Ok(sent);
                    }
                    let Verdict::Hold(hit) = verdict else { return Err(Error::Blocked) };
                    self.0.moderation().hold_message(&new, draft.target, &hit).await?;
                    return Err(Error::Held);
                }
            };
        let mut tries = 0;
        let placed = loop {
            let mut db = self.0.pool().acquire().await?;
            match self.place(&mut db, &new, draft.target).await {
                Ok(Some(placed)) => break placed,
                // Nothing moved, or the same message came by another way in this very moment.
                Ok(None) => {}
                Err(error) if violates(&error, "messages_client_message_id_key") => {}
                Err(error) => return Err(error.into()),
            }
            // What follows asks for a connection of its own.
            drop(db);
            tries += 1;
            if let Some(sent) = self.repeated_or_refused(caller, draft.target, &new).await? {
                return Ok(sent);
            }
            if tries == MOST_TRIES {
                return Err(Error::Busy);
            }
        };
        let message = self.tell_placed(placed, &new, by_socket).await;
        if let Some(hit) = flagged {
            self.0.moderation().flag(caller.user_id, message.id, &hit).await;
        }
        Ok(Sent { message, repeated: false })
    }

    fn check<'a>(&self, caller: &Caller, draft: &'a Draft) -> Result<New<'a>, Error> {
        let mut problems = Problems::default();
        let is_text = draft.message_type == MessageType::Text;
        problems.check(
            "messageType",
            draft.message_type != MessageType::Gift,
            "is not sent, but given: POST /gifts",
        );
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
            gift: None,
            client_id,
            now,
        })
    }
}

/// 1 to 64 printable ASCII characters.
pub fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

pub(crate) fn valid_client_id(id: &str) -> Result<&str, &'static str> {
    if is_client_id(id) { Ok(id) } else { Err("must be 1 to 64 printable ASCII characters") }
}
