//! The list of conversations, what changed in them, and read marks.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::ConversationId;
use banter_core::messaging::Message;
use banter_core::messaging::conversations::{Conversation, Opened};
use banter_core::messaging::resync::Change;
use banter_core::page::{At, PageRequest};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, PageQuery, Path, Query, limit};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversations {
    conversations: Vec<Conversation>,
    next_cursor: Option<String>,
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
    answer(Conversations { conversations: page.items, next_cursor: page.next_cursor })
}

/// One of my conversations
#[utoipa::path(get, path = "/conversations/{id}", operation_id = "getConversation", tag = "Messages", params(("id" = ConversationId, Path, description = "A conversation of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Opened>), Refusal))]
pub async fn one(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
) -> Outcome<Opened> {
    answer(banter.messaging().conversation(&caller, id).await?)
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// `syncedAt` of the last answer.
    #[param(value_type = DateTime<Utc>)]
    since: At,
    /// How many conversations, 1 to 20; 20 unless told.
    #[param(minimum = 1, maximum = 20)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    changes: Vec<ChangeView>,
    next_cursor: Option<String>,
    /// What to ask from next time, once all pages are read.
    synced_at: DateTime<Utc>,
}

/// What became of a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    conversation: Conversation,
    /// New messages, oldest first; the newest 50 where they are more.
    messages: Vec<Message>,
    /// There are older new ones: ask its history with `afterSeq`.
    has_more: bool,
    /// Older messages that were edited or deleted, 50 at most.
    changed: Vec<Message>,
    /// More of them changed than that: read this conversation again.
    reload: bool,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        Self {
            conversation: change.conversation,
            messages: change.messages,
            has_more: change.has_more,
            changed: change.changed,
            reload: change.reload,
        }
    }
}

/// What happened while I was away, in all my conversations
///
/// Looks back a minute further than `since`: what the client has already comes again, with the same ids and numbers.
#[utoipa::path(get, path = "/conversations/changes", operation_id = "listChanges", tag = "Messages", params(ChangesQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Changes>), Refusal))]
pub async fn changes(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<ChangesQuery>,
) -> Outcome<Changes> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let changes = banter.messaging().changes(&caller, query.since.0, &page).await?;
    answer(Changes {
        changes: changes.page.items.into_iter().map(ChangeView::from).collect(),
        next_cursor: changes.page.next_cursor,
        synced_at: changes.synced_at,
    })
}
