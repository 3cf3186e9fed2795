//! Friends, and asking to be.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::accounts::PersonSummary;
use banter_core::friends::list::Friend;
use banter_core::friends::relationship::Relationship;
use banter_core::friends::requests::{Asked, Direction, FriendRequest};
use banter_core::ids::{FriendRequestId, UserId};
use banter_core::page::PageRequest;
use banter_core::presence::Presence;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Body, Caller, PageQuery, Path, Query, limit};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewFriendRequest {
    receiver_id: UserId,
    #[schema(max_length = 300)]
    message: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AskedView {
    /// `friends` where the other had asked already, otherwise `pending_out`.
    relationship: Relationship,
    /// The request that waits, or by which the two became friends: then it is the other's.
    request: FriendRequest,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestsQuery {
    /// Requests to the caller, or the caller's own.
    #[param(inline)]
    direction: Direction,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendRequests {
    requests: Vec<FriendRequest>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FriendsQuery {
    /// Only those who are here, and show it; false unless told.
    online: Option<bool>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct FriendView {
    user: PersonSummary,
    /// When the two became friends.
    since: DateTime<Utc>,
    /// Null: this friend shows it to nobody.
    presence: Option<Presence>,
}

impl From<Friend> for FriendView {
    fn from(friend: Friend) -> Self {
        Self { user: friend.user, since: friend.since, presence: friend.presence }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Friends {
    friends: Vec<FriendView>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct People {
    people: Vec<PersonSummary>,
    next_cursor: Option<String>,
}

/// Ask somebody to be friends
///
/// Whoever asks somebody who has asked them accepts by it. A repeat while the request waits answers the same request
/// (200). After a refusal the same person can be asked again a week later (`REQUEST_TOO_SOON` until then).
#[utoipa::path(post, path = "/friends/requests", operation_id = "askFriend", tag = "Friends", request_body = NewFriendRequest, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<AskedView>), (status = OK, body = Answer<AskedView>), Refusal))]
pub async fn ask(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewFriendRequest>,
) -> Result<(StatusCode, Json<Answer<AskedView>>), ApiError> {
    let asked = banter.friends().ask(&caller, body.receiver_id, body.message.as_deref()).await?;
    let (status, relationship, request) = match asked {
        Asked::Sent(request) => (StatusCode::CREATED, Relationship::PendingOut, request),
        Asked::Befriended(request) => (StatusCode::CREATED, Relationship::Friends, request),
        Asked::Waiting(request) => (StatusCode::OK, Relationship::PendingOut, request),
    };
    Ok((status, Json(Answer::new(AskedView { relationship, request }))))
}

/// Friend requests that wait
#[utoipa::path(get, path = "/friends/requests", operation_id = "listFriendRequests", tag = "Friends", params(RequestsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<FriendRequests>), Refusal))]
pub async fn requests(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<RequestsQuery>,
) -> Outcome<FriendRequests> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page = banter.friends().requests(&caller, query.direction, &page).await?;
    answer(FriendRequests { requests: page.items, next_cursor: page.next_cursor })
}

/// Accept a friend request
#[utoipa::path(post, path = "/friends/requests/{id}/accept", operation_id = "acceptFriendRequest", tag = "Friends", params(("id" = FriendRequestId, Path, description = "A request to the caller")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn accept(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<FriendRequestId>,
) -> Outcome<Done> {
    banter.friends().accept(&caller, id).await?;
    answer(Done {})
}

/// Reject a friend request
///
/// Its sender is not told.
#[utoipa::path(post, path = "/friends/requests/{id}/reject", operation_id = "rejectFriendRequest", tag = "Friends", params(("id" = FriendRequestId, Path, description = "A request to the caller")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn reject(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<FriendRequestId>,
) -> Outcome<Done> {
    banter.friends().reject(&caller, id).await?;
    answer(Done {})
}

/// Take back a friend request
#[utoipa::path(delete, path = "/friends/requests/{id}", operation_id = "cancelFriendRequest", tag = "Friends", params(("id" = FriendRequestId, Path, description = "A request of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn cancel(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<FriendRequestId>,
) -> Outcome<Done> {
    banter.friends().cancel(&caller, id).await?;
    answer(Done {})
}

/// My friends, newest first
#[utoipa::path(get, path = "/friends", operation_id = "listFriends", tag = "Friends", params(FriendsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Friends>), Refusal))]
pub async fn friends(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<FriendsQuery>,
) -> Outcome<Friends> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page = banter.friends().friends(&caller, query.online.unwrap_or(false), &page).await?;
    let friends = page.items.into_iter().map(FriendView::from);
    answer(Friends { friends: friends.collect(), next_cursor: page.next_cursor })
}

/// End a friendship
#[utoipa::path(delete, path = "/friends/{userId}", operation_id = "removeFriend", tag = "Friends", params(("userId" = UserId, Path, description = "A friend")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn remove(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
) -> Outcome<Done> {
    banter.friends().remove(&caller, user).await?;
    answer(Done {})
}

/// Friends whom we both have
#[utoipa::path(get, path = "/users/{userId}/friends/mutual", operation_id = "listMutualFriends", tag = "Friends", params(("userId" = UserId, Path, description = "Anybody"), PageQuery),
    security(("bearer" = [])), responses((status = OK, body = Answer<People>), Refusal))]
pub async fn mutual(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
    Query(page): Query<PageQuery>,
) -> Outcome<People> {
    let page = banter.friends().mutual(&caller, user, &page.page()?).await?;
    answer(People { people: page.items, next_cursor: page.next_cursor })
}
