//! The list of conversations, and read marks.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::{ConversationId, UserId};
use banter_core::messaging::Message;
use banter_core::messaging::conversations::Conversation;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Caller, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationView {
    id: ConversationId,
    #[schema(example = "direct")]
    kind: &'static str,
    /// The other one.
    peer: PeerView,
    last_seq: i64,
    /// How far the caller has read.
    last_read_seq: i64,
    /// How far the other has read.
    peer_read_seq: i64,
    unread_count: i64,
    last_message: Message,
    last_message_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerView {
    id: UserId,
    username: Option<String>,
    full_name: String,
    avatar: Option<String>,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        let peer = conversation.peer;
        Self {
            id: conversation.id,
            kind: "direct",
            peer: PeerView {
                id: peer.id,
                username: peer.username,
                full_name: peer.full_name,
                avatar: peer.avatar,
            },
            last_seq: conversation.last_seq,
            last_read_seq: conversation.last_read_seq,
            peer_read_seq: conversation.peer_read_seq,
            unread_count: conversation.unread,
            last_message: conversation.last_message,
            last_message_at: conversation.last_message_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversations {
    conversations: Vec<ConversationView>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OneConversation {
    conversation: ConversationView,
}

#[derive(Deserialize, ToSchema)]
pub struct Read {
    /// Everything up to and including this number was read.
    pub seq: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Marked {
    /// Where the mark stands now; it never moves back.
    pub seq: i64,
}

/// My conversations, latest activity first
#[utoipa::path(get, path = "/conversations", operation_id = "listConversations", tag = "Messages", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Conversations>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<Conversations> {
    let page = banter.messaging().conversations(&caller, &page.page()?).await?;
    let conversations = page.items.into_iter().map(ConversationView::from).collect();
    answer(Conversations { conversations, next_cursor: page.next_cursor })
}

/// One of my conversations
#[utoipa::path(get, path = "/conversations/{id}", operation_id = "getConversation", tag = "Messages", params(("id" = ConversationId, Path, description = "A conversation of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneConversation>), Refusal))]
pub async fn one(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
) -> Outcome<OneConversation> {
    answer(OneConversation { conversation: banter.messaging().conversation(&caller, id).await?.into() })
}

/// Mark as read
#[utoipa::path(post, path = "/conversations/{id}/read", operation_id = "markRead", tag = "Messages", params(("id" = ConversationId, Path, description = "A conversation of the caller's")),
    request_body = Read, security(("bearer" = [])), responses((status = OK, body = Answer<Marked>), Refusal))]
pub async fn read(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Body(body): Body<Read>,
) -> Outcome<Marked> {
    answer(Marked { seq: banter.messaging().mark_read(&caller, id, body.seq).await? })
}
