//! Groups: making one, its name, its members.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::{ConversationId, UserId};
use banter_core::messaging::conversations::Opened;
use banter_core::messaging::groups::Role;
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{Body, Caller, Path};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewGroup {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// 2 to 9 friends of the caller's.
    #[schema(min_items = 2, max_items = 9)]
    member_ids: Vec<UserId>,
}

#[derive(Deserialize, ToSchema)]
pub struct Rename {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewMembers {
    /// Friends of the caller's.
    #[schema(min_items = 1, max_items = 9)]
    member_ids: Vec<UserId>,
}

#[derive(Deserialize, ToSchema)]
pub struct NewRole {
    role: Role,
}

/// A group and one of its members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberPath {
    id: ConversationId,
    user_id: UserId,
}

/// Make a group of 3 to 10
#[utoipa::path(post, path = "/conversations", operation_id = "createGroup", tag = "Groups", request_body = NewGroup, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<Opened>), Refusal))]
pub async fn create(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewGroup>,
) -> Result<(StatusCode, Json<Answer<Opened>>), ApiError> {
    let id = banter.messaging().create_group(&caller, &body.name, &body.member_ids).await?;
    let group = banter.messaging().conversation(&caller, id).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(group))))
}

/// Rename a group
#[utoipa::path(patch, path = "/conversations/{id}", operation_id = "renameGroup", tag = "Groups", params(("id" = ConversationId, Path, description = "A group of the caller's")),
    request_body = Rename, security(("bearer" = [])), responses((status = OK, body = Answer<Opened>), Refusal))]
pub async fn rename(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Body(body): Body<Rename>,
) -> Outcome<Opened> {
    banter.messaging().rename_group(&caller, id, &body.name).await?;
    answer(banter.messaging().conversation(&caller, id).await?)
}

/// Add friends to a group
///
/// Who is in already stays as they are. New ones read from here on.
#[utoipa::path(post, path = "/conversations/{id}/members", operation_id = "addMembers", tag = "Groups", params(("id" = ConversationId, Path, description = "A group of the caller's")),
    request_body = NewMembers, security(("bearer" = [])), responses((status = OK, body = Answer<Opened>), Refusal))]
pub async fn add(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Body(body): Body<NewMembers>,
) -> Outcome<Opened> {
    banter.messaging().add_members(&caller, id, &body.member_ids).await?;
    answer(banter.messaging().conversation(&caller, id).await?)
}

/// Remove somebody from a group
#[utoipa::path(delete, path = "/conversations/{id}/members/{userId}", operation_id = "removeMember", tag = "Groups",
    params(("id" = ConversationId, Path, description = "A group of the caller's"), ("userId" = UserId, Path, description = "A member")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn remove(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
) -> Outcome<Done> {
    banter.messaging().remove_member(&caller, path.id, path.user_id).await?;
    answer(Done {})
}

/// Give a member another role
///
/// Only the owner may; naming another owner makes the caller an admin.
#[utoipa::path(patch, path = "/conversations/{id}/members/{userId}", operation_id = "setMemberRole", tag = "Groups",
    params(("id" = ConversationId, Path, description = "A group of the caller's"), ("userId" = UserId, Path, description = "A member")),
    request_body = NewRole, security(("bearer" = [])), responses((status = OK, body = Answer<Opened>), Refusal))]
pub async fn set_role(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
    Body(body): Body<NewRole>,
) -> Outcome<Opened> {
    banter.messaging().set_role(&caller, path.id, path.user_id, body.role).await?;
    answer(banter.messaging().conversation(&caller, path.id).await?)
}

/// Leave a group
///
/// An owner's place goes to the longest-standing admin, else to the longest-standing member.
#[utoipa::path(post, path = "/conversations/{id}/leave", operation_id = "leaveGroup", tag = "Groups", params(("id" = ConversationId, Path, description = "A group of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn leave(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
) -> Outcome<Done> {
    banter.messaging().leave_group(&caller, id).await?;
    answer(Done {})
}
