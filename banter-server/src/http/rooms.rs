//! Rooms: finding one, coming and going, and keeping order in it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::{RoomId, UserId};
use banter_core::page::PageRequest;
use banter_core::rooms::browse::Filter;
use banter_core::rooms::open::{NewRoom as New, RoomChange};
use banter_core::rooms::policy::Role;
use banter_core::rooms::{Category, Member, Room, RoomType, Seated};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Body, Caller, PageQuery, Path, Query, limit, present};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRoom {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(max_length = 500)]
    description: Option<String>,
    category: Option<Category>,
    /// ISO 639; the caller's own unless told.
    #[schema(min_length = 2, max_length = 3, example = "hi")]
    language: Option<String>,
    room_type: RoomType,
    /// 2 to 100; 10 unless told.
    #[schema(minimum = 2, maximum = 100)]
    max_members: Option<i32>,
    /// True unless told: everybody finds it.
    is_public: Option<bool>,
    /// `mediaUrl` of an upload for a room's cover.
    cover_image: Option<String>,
}

/// What is left out stays; null clears.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedRoom {
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Category>)]
    category: Option<Option<Category>>,
    #[schema(min_length = 2, max_length = 3, example = "hi")]
    language: Option<String>,
    /// Not fewer than are in.
    #[schema(minimum = 2, maximum = 100)]
    max_members: Option<i32>,
    is_public: Option<bool>,
    /// `mediaUrl` of an upload for a room's cover.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    cover_image: Option<Option<String>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Only those about this.
    category: Option<Category>,
    /// Only those in this language (ISO 639).
    #[param(min_length = 2, max_length = 3)]
    language: Option<String>,
    /// Only those whose name holds this, in any case.
    #[param(max_length = 60)]
    q: Option<String>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rooms {
    rooms: Vec<Room>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OneRoom {
    room: Room,
}

/// A room that the caller is in, and the way into it; all four null where nothing is spoken.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomEntrance {
    #[serde(flatten)]
    room: Room,
    /// The media server's name of it.
    livekit_room: Option<String>,
    livekit_server_url: Option<String>,
    /// The identity in the token.
    participant_name: Option<String>,
    /// Opens the door for a minute.
    token: Option<String>,
}

impl From<Seated> for RoomEntrance {
    fn from(Seated { room, entrance }: Seated) -> Self {
        let (livekit_room, livekit_server_url, participant_name, token) = entrance.map_or_else(
            || (None, None, None, None),
            |way| (Some(way.livekit_room), Some(way.server_url), Some(way.participant_name), Some(way.token)),
        );
        Self { room, livekit_room, livekit_server_url, participant_name, token }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Entered {
    room: RoomEntrance,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMembers {
    members: Vec<Member>,
    next_cursor: Option<String>,
}

/// A room and one of its members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberPath {
    id: RoomId,
    user_id: UserId,
}

#[derive(Deserialize, ToSchema)]
pub struct NewRoomRole {
    role: Role,
}

#[derive(Deserialize, ToSchema)]
pub struct Mute {
    /// True unless told; false lets them speak again.
    muted: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
pub struct Hand {
    /// True unless told; false lowers it.
    raised: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitations {
    /// Friends of the caller's.
    #[schema(min_items = 1, max_items = 20)]
    user_ids: Vec<UserId>,
}

/// Make a room
///
/// The caller is its host. A voice or video room answers the way into it; without a media server there is none
/// (`LIVEKIT_UNAVAILABLE`), and no room.
#[utoipa::path(post, path = "/rooms/create", operation_id = "createRoom", tag = "Rooms", request_body = NewRoom, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<Entered>), Refusal))]
pub async fn create(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewRoom>,
) -> Result<(StatusCode, Json<Answer<Entered>>), ApiError> {
    let new = New {
        name: body.name,
        description: body.description,
        category: body.category,
        language: body.language,
        room_type: body.room_type,
        max_members: body.max_members,
        is_public: body.is_public.unwrap_or(true),
        cover_image: body.cover_image,
    };
    let room = banter.rooms().create(&caller, new).await?.into();
    Ok((StatusCode::CREATED, Json(Answer::new(Entered { room }))))
}

/// Live public rooms, most people first
#[utoipa::path(get, path = "/rooms", operation_id = "listRooms", tag = "Rooms", params(RoomsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Rooms>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<RoomsQuery>,
) -> Outcome<Rooms> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let filter = Filter { category: query.category, language: query.language, q: query.q };
    let page = banter.rooms().browse(&caller, &filter, &page).await?;
    answer(Rooms { rooms: page.items, next_cursor: page.next_cursor })
}

/// One room
///
/// That is public, or that the caller is in or invited to.
#[utoipa::path(get, path = "/rooms/{id}", operation_id = "getRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneRoom>), Refusal))]
pub async fn one(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
) -> Outcome<OneRoom> {
    answer(OneRoom { room: banter.rooms().one(&caller, id).await? })
}

/// Change what a room says of itself
///
/// Only its host may.
#[utoipa::path(patch, path = "/rooms/{id}", operation_id = "changeRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room of the caller's")),
    request_body = ChangedRoom, security(("bearer" = [])), responses((status = OK, body = Answer<OneRoom>), Refusal))]
pub async fn change(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
    Body(body): Body<ChangedRoom>,
) -> Outcome<OneRoom> {
    let change = RoomChange {
        name: body.name,
        description: body.description,
        category: body.category,
        language: body.language,
        max_members: body.max_members,
        is_public: body.is_public,
        cover_image: body.cover_image,
    };
    answer(OneRoom { room: banter.rooms().change(&caller, id, change).await? })
}

/// Come into a room
///
/// As a listener. Who is in already stays as they are, and gets a fresh token. A private room takes who was invited.
#[utoipa::path(post, path = "/rooms/{id}/join", operation_id = "joinRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Entered>), Refusal))]
pub async fn join(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
) -> Outcome<Entered> {
    answer(Entered { room: banter.rooms().join(&caller, id).await?.into() })
}

/// Leave a room
///
/// A host's place goes to the longest-standing moderator, else speaker, else listener. An empty room closes after two
/// minutes.
#[utoipa::path(post, path = "/rooms/{id}/leave", operation_id = "leaveRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn leave(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
) -> Outcome<Done> {
    banter.rooms().leave(&caller, id).await?;
    answer(Done {})
}

/// End a room
///
/// Only its host may; everybody is out.
#[utoipa::path(post, path = "/rooms/{id}/close", operation_id = "closeRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn close(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
) -> Outcome<Done> {
    banter.rooms().close(&caller, id).await?;
    answer(Done {})
}

/// Who is in a room
///
/// Host and moderators first, then speakers, then listeners, each by how long they are in.
#[utoipa::path(get, path = "/rooms/{id}/members", operation_id = "listRoomMembers", tag = "Rooms", params(("id" = RoomId, Path, description = "A room"), PageQuery),
    security(("bearer" = [])), responses((status = OK, body = Answer<RoomMembers>), Refusal))]
pub async fn members(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
    Query(page): Query<PageQuery>,
) -> Outcome<RoomMembers> {
    let page = banter.rooms().members(&caller, id, &page.page()?).await?;
    answer(RoomMembers { members: page.items, next_cursor: page.next_cursor })
}

/// Give somebody in a room another role
///
/// Moderators make listeners speakers, and speakers listeners; the host gives any role. Naming another host makes the caller
/// a moderator.
#[utoipa::path(post, path = "/rooms/{id}/members/{userId}/role", operation_id = "setRoomRole", tag = "Rooms",
    params(("id" = RoomId, Path, description = "A room of the caller's"), ("userId" = UserId, Path, description = "Somebody in it")),
    request_body = NewRoomRole, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn set_role(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
    Body(body): Body<NewRoomRole>,
) -> Outcome<Done> {
    banter.rooms().set_role(&caller, path.id, path.user_id, body.role).await?;
    answer(Done {})
}

/// Mute somebody, or let them speak again
///
/// Answers once the media server agrees; nobody's microphone is opened.
#[utoipa::path(post, path = "/rooms/{id}/members/{userId}/mute", operation_id = "muteRoomMember", tag = "Rooms",
    params(("id" = RoomId, Path, description = "A room of the caller's"), ("userId" = UserId, Path, description = "Somebody in it")),
    request_body = Mute, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn mute(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
    Body(body): Body<Mute>,
) -> Outcome<Done> {
    banter.rooms().mute(&caller, path.id, path.user_id, body.muted.unwrap_or(true)).await?;
    answer(Done {})
}

/// Send somebody out of a room
///
/// They stay out for ten minutes.
#[utoipa::path(post, path = "/rooms/{id}/members/{userId}/kick", operation_id = "kickRoomMember", tag = "Rooms",
    params(("id" = RoomId, Path, description = "A room of the caller's"), ("userId" = UserId, Path, description = "Somebody in it")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn kick(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
) -> Outcome<Done> {
    banter.rooms().kick(&caller, path.id, path.user_id).await?;
    answer(Done {})
}

/// Keep somebody out of a room
///
/// For as long as it lives, whether they are in now or not.
#[utoipa::path(post, path = "/rooms/{id}/members/{userId}/ban", operation_id = "banRoomMember", tag = "Rooms",
    params(("id" = RoomId, Path, description = "A room of the caller's"), ("userId" = UserId, Path, description = "Somebody")),
    security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn ban(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
) -> Outcome<Done> {
    banter.rooms().ban(&caller, path.id, path.user_id).await?;
    answer(Done {})
}

/// Ask to speak, or do not any more
///
/// For listeners; host and moderators hear of it.
#[utoipa::path(post, path = "/rooms/{id}/raise-hand", operation_id = "raiseHand", tag = "Rooms", params(("id" = RoomId, Path, description = "A room of the caller's")),
    request_body = Hand, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn raise_hand(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
    Body(body): Body<Hand>,
) -> Outcome<Done> {
    banter.rooms().raise_hand(&caller, id, body.raised.unwrap_or(true)).await?;
    answer(Done {})
}

/// Invite friends to a room
///
/// Anybody in a public room may; in a private one host and moderators. A repeat within an hour tells nobody again.
#[utoipa::path(post, path = "/rooms/{id}/invite", operation_id = "inviteToRoom", tag = "Rooms", params(("id" = RoomId, Path, description = "A room of the caller's")),
    request_body = Invitations, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn invite(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<RoomId>,
    Body(body): Body<Invitations>,
) -> Outcome<Done> {
    banter.rooms().invite(&caller, id, &body.user_ids).await?;
    answer(Done {})
}
