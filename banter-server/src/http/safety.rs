//! Blocking people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::UserId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{Body, Caller, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewBlock {
    user_id: UserId,
    #[schema(max_length = 500)]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockView {
    user_id: UserId,
    username: Option<String>,
    full_name: String,
    avatar: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocks {
    blocks: Vec<BlockView>,
    next_cursor: Option<String>,
}

/// Block a person
#[utoipa::path(post, path = "/safety/blocks", operation_id = "blockUser", tag = "Safety", request_body = NewBlock, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<Done>), Refusal))]
pub async fn block(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewBlock>,
) -> Result<(StatusCode, Json<Answer<Done>>), ApiError> {
    banter.safety().block(&caller, body.user_id, body.reason.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(Done {}))))
}

/// Unblock a person
#[utoipa::path(delete, path = "/safety/blocks/{userId}", operation_id = "unblockUser", tag = "Safety", params(("userId" = UserId, Path, description = "Whom the caller blocked")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn unblock(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
) -> Outcome<Done> {
    banter.safety().unblock(&caller, user).await?;
    answer(Done {})
}

/// Whom I blocked
#[utoipa::path(get, path = "/safety/blocks", operation_id = "listBlocks", tag = "Safety", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Blocks>), Refusal))]
pub async fn blocks(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<Blocks> {
    let page = banter.safety().blocks(&caller, &page.page()?).await?;
    let blocks = page.items.into_iter().map(|block| BlockView {
        user_id: block.user.id,
        username: block.user.username,
        full_name: block.user.full_name,
        avatar: block.user.avatar,
        created_at: block.created_at,
    });
    answer(Blocks { blocks: blocks.collect(), next_cursor: page.next_cursor })
}
