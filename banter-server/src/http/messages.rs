//! Sending and reading messages.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use banter_core::Banter;
use banter_core::events::{MessageDeleted, MessageEdited};
use banter_core::ids::{ConversationId, MessageId, RoomId, UserId};
use banter_core::messaging::history::{Direction, History, Of};
use banter_core::messaging::send::{Draft, Target, is_client_id};
use banter_core::messaging::{Message, MessageType};
use banter_core::rooms;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Body, Caller, Path, Query, limit};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// A message to send: to a person, to a conversation or into a room, one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewMessage {
    receiver_id: Option<UserId>,
    conversation_id: Option<ConversationId>,
    room_id: Option<RoomId>,
    /// The text; for anything but a text, what is written to it, perhaps nothing.
    #[serde(default)]
    #[schema(required = true, max_length = 4000)]
    content: String,
    #[serde(default = "text")]
    #[schema(default = "text")]
    message_type: MessageType,
    /// For anything but a text: `mediaUrl` of an upload of the sender's own.
    media_url: Option<String>,
    /// A message of the same conversation that this one answers.
    reply_to_id: Option<MessageId>,
    /// Chosen by the sender's device; sending again with the same one is safe.
    #[schema(min_length = 1, max_length = 64)]
    client_message_id: Option<String>,
}

fn text() -> MessageType {
    MessageType::Text
}

impl NewMessage {
    pub fn into_draft(self) -> Result<Draft, ApiError> {
        let target = match (self.receiver_id, self.conversation_id, self.room_id) {
            (Some(user), None, None) => Target::User(user),
            (None, Some(conversation), None) => Target::Conversation(conversation),
            (None, None, Some(room)) => Target::Conversation(rooms::conversation_of(room)),
            _ => {
                let problem = "or conversationId or roomId must be given, and no two of them";
                return Err(ApiError::field("receiverId", problem));
            }
        };
        Ok(Draft {
            target,
            message_type: self.message_type,
            content: self.content,
            media: self.media_url,
            reply_to: self.reply_to_id,
            client_message_id: self.client_message_id,
        })
    }
}

#[derive(Serialize, ToSchema)]
pub struct SentMessage {
    pub message: Message,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct HistoryQuery {
    /// Messages before this number, newest first; without either, the newest.
    before_seq: Option<i64>,
    /// Messages after this number, oldest first: what a client missed.
    after_seq: Option<i64>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

impl HistoryQuery {
    async fn ask(
        self,
        banter: &Banter,
        caller: &banter_core::accounts::Caller,
        of: Of,
    ) -> Outcome<HistoryPage> {
        let direction = match (self.before_seq, self.after_seq) {
            (None, None) => Direction::Before(i64::MAX),
            (Some(seq), None) => Direction::Before(seq),
            (None, Some(seq)) => Direction::After(seq),
            (Some(_), Some(_)) => {
                return Err(ApiError::field("afterSeq", "and beforeSeq exclude each other"));
            }
        };
        let history = banter.messaging().history(caller, of, direction, limit(self.limit)?).await?;
        answer(history.into())
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// Null: the two have not written yet.
    conversation_id: Option<ConversationId>,
    /// The newest number in the conversation.
    last_seq: i64,
    messages: Vec<Message>,
    /// More in the same direction.
    has_more: bool,
}

impl From<History> for HistoryPage {
    fn from(history: History) -> Self {
        Self {
            conversation_id: history.conversation_id,
            last_seq: history.last_seq,
            messages: history.messages,
            has_more: history.has_more,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    unread_count: i64,
}

/// Send a message
///
/// 201 when it was stored now, 200 when an earlier attempt with the same `clientMessageId` had stored it.
#[utoipa::path(post, path = "/messages", operation_id = "sendMessage", tag = "Messages", request_body = NewMessage, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<SentMessage>), (status = OK, body = Answer<SentMessage>), Refusal))]
pub async fn send(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(body): Body<NewMessage>,
) -> Result<(StatusCode, Json<Answer<SentMessage>>), ApiError> {
    let mut draft = body.into_draft()?;
    draft.client_message_id = draft.client_message_id.or_else(|| client_id(&headers));
    let sent = banter.messaging().send(&caller, draft, None).await?;
    let status = if sent.repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Answer::new(SentMessage { message: sent.message }))))
}

/// An `Idempotency-Key` as the id that the caller's device chose: the database then knows a repeat even when the answer to
/// the first was lost with its server.
pub fn client_id(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("idempotency-key")?.to_str().ok()?;
    is_client_id(key).then(|| key.to_owned())
}

/// How many messages have I not read?
#[utoipa::path(get, path = "/messages/unread-count", operation_id = "countUnread", tag = "Messages", security(("bearer" = [])),
    responses((status = OK, body = Answer<Unread>), Refusal))]
pub async fn unread_count(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<Unread> {
    answer(Unread { unread_count: banter.messaging().unread(&caller).await? })
}

/// The direct conversation with a person
#[utoipa::path(get, path = "/messages/{id}", operation_id = "listMessagesWithUser", tag = "Messages", params(("id" = UserId, Path, description = "The other one"), HistoryQuery),
    security(("bearer" = [])), responses((status = OK, body = Answer<HistoryPage>), Refusal))]
pub async fn with_user(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
    Query(query): Query<HistoryQuery>,
) -> Outcome<HistoryPage> {
    query.ask(&banter, &caller, Of::User(user)).await
}

/// The messages of a conversation
#[utoipa::path(get, path = "/conversations/{id}/messages", operation_id = "listMessages", tag = "Messages",
    params(("id" = ConversationId, Path, description = "A conversation of the caller's"), HistoryQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<HistoryPage>), Refusal))]
pub async fn in_conversation(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<HistoryQuery>,
) -> Outcome<HistoryPage> {
    query.ask(&banter, &caller, Of::Conversation(id)).await
}

#[derive(Deserialize, ToSchema)]
pub struct Edit {
    #[schema(min_length = 1, max_length = 4000)]
    content: String,
}

#[derive(Serialize, ToSchema)]
pub struct Edited {
    message: MessageEdited,
}

#[derive(Serialize, ToSchema)]
pub struct Deleted {
    message: MessageDeleted,
}

/// Edit a text of mine, within 15 minutes
#[utoipa::path(patch, path = "/messages/{id}", operation_id = "editMessage", tag = "Messages", params(("id" = MessageId, Path, description = "A message of the caller's")),
    request_body = Edit, security(("bearer" = [])), responses((status = OK, body = Answer<Edited>), Refusal))]
pub async fn edit(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<MessageId>,
    Body(body): Body<Edit>,
) -> Outcome<Edited> {
    answer(Edited { message: banter.messaging().edit(&caller, id, &body.content).await? })
}

/// Take a message back
///
/// The caller's own at any time; in a group, its owner and admins anybody's. Its number stays, empty.
#[utoipa::path(delete, path = "/messages/{id}", operation_id = "deleteMessage", tag = "Messages", params(("id" = MessageId, Path, description = "A message")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Deleted>), Refusal))]
pub async fn delete(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<MessageId>,
) -> Outcome<Deleted> {
    answer(Deleted { message: banter.messaging().delete(&caller, id).await? })
}
