//! Live rooms, and order in them.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::{RoomId, UserId};
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::rooms::{Listening, Watched};
use banter_core::page::PageRequest;
use banter_core::rooms::RoomType;
use banter_core::rooms::close::Because;
use banter_core::rooms::desk::Listed;
use banter_core::rooms::policy::Role;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::{Body, Path, Query, limit};
use super::super::openapi::Refusal;
use super::super::{Answer, Done, Outcome, answer};
use super::{Note, Staff};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Those that are over, too.
    #[serde(default)]
    #[param(required = false)]
    closed: bool,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffRoom {
    id: RoomId,
    name: String,
    room_type: RoomType,
    is_public: bool,
    member_count: i32,
    max_members: i32,
    host_username: Option<String>,
    created_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
}

impl From<Listed> for StaffRoom {
    fn from(room: Listed) -> Self {
        Self {
            id: room.id,
            name: room.name,
            room_type: room.room_type,
            is_public: room.is_public,
            member_count: room.member_count,
            max_members: room.max_members,
            host_username: room.host_username,
            created_at: room.created_at,
            closed_at: room.closed_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffRooms {
    /// Newest first, private ones among them.
    rooms: Vec<StaffRoom>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffRoomMember {
    id: UserId,
    username: Option<String>,
    full_name: String,
    role: Role,
    is_muted: bool,
    /// At the media server at this moment; where it does not answer, as far as it last told. In a room where nothing is
    /// spoken: with a socket open.
    is_connected: bool,
    joined_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatchedRoom {
    room: StaffRoom,
    description: Option<String>,
    closed_because: Option<Because>,
    closed_note: Option<String>,
    /// Longest-standing first.
    members: Vec<StaffRoomMember>,
}

impl From<Watched> for WatchedRoom {
    fn from(Watched { shown, there }: Watched) -> Self {
        let members = shown.members.into_iter().map(|member| StaffRoomMember {
            is_connected: there.as_ref().map_or(member.is_connected, |there| there.contains(&member.id)),
            id: member.id,
            username: member.username,
            full_name: member.full_name,
            role: member.role,
            is_muted: member.is_muted,
            joined_at: member.joined_at,
        });
        Self {
            members: members.collect(),
            room: shown.room.into(),
            description: shown.description,
            closed_because: shown.closed_because,
            closed_note: shown.closed_note,
        }
    }
}

#[derive(Deserialize, ToSchema)]
pub struct RoomClosing {
    /// What it offends.
    policy: Reason,
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
}

#[derive(Deserialize, ToSchema)]
pub struct RoomMuting {
    /// False: they may speak again.
    #[serde(default = "yes")]
    #[schema(required = false)]
    muted: bool,
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
}

fn yes() -> bool {
    true
}

/// Rooms, as staff sees them
#[utoipa::path(get, path = "/moderation/rooms", operation_id = "listStaffRooms", tag = "Moderation", params(RoomsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<StaffRooms>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<RoomsQuery>,
) -> Outcome<StaffRooms> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page = banter.moderation().rooms(staff, query.closed, &page).await?;
    answer(StaffRooms {
        rooms: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    })
}

/// A room and who is in it
///
/// Every look is written down.
#[utoipa::path(get, path = "/moderation/rooms/{roomId}", operation_id = "showStaffRoom", tag = "Moderation", params(("roomId" = RoomId, Path, description = "As the list of rooms answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<WatchedRoom>), Refusal))]
pub async fn show(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<RoomId>,
) -> Outcome<WatchedRoom> {
    answer(banter.moderation().room(staff, id).await?.into())
}

/// Close a room
///
/// Its host is sanctioned for it.
#[utoipa::path(post, path = "/moderation/rooms/{roomId}/close", operation_id = "closeStaffRoom", tag = "Moderation", params(("roomId" = RoomId, Path, description = "As the list of rooms answers it")),
    request_body = RoomClosing, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn close(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<RoomId>,
    Body(body): Body<RoomClosing>,
) -> Outcome<Done> {
    banter.moderation().close_room(staff, id, body.policy, &body.note).await?;
    answer(Done {})
}

/// Take a voice in a room, or give it back
#[utoipa::path(post, path = "/moderation/rooms/{roomId}/members/{userId}/mute", operation_id = "muteStaffRoomMember", tag = "Moderation",
    params(("roomId" = RoomId, Path, description = "As the list of rooms answers it"), ("userId" = UserId, Path, description = "Whom it is about")), request_body = RoomMuting, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn mute(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path((id, user)): Path<(RoomId, UserId)>,
    Body(body): Body<RoomMuting>,
) -> Outcome<Done> {
    banter.moderation().mute_in_room(staff, id, user, body.muted, &body.note).await?;
    answer(Done {})
}

/// Send somebody out of a room
#[utoipa::path(post, path = "/moderation/rooms/{roomId}/members/{userId}/kick", operation_id = "kickStaffRoomMember", tag = "Moderation",
    params(("roomId" = RoomId, Path, description = "As the list of rooms answers it"), ("userId" = UserId, Path, description = "Whom it is about")), request_body = Note, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn kick(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path((id, user)): Path<(RoomId, UserId)>,
    Body(body): Body<Note>,
) -> Outcome<Done> {
    banter.moderation().kick_from_room(staff, id, user, &body.note).await?;
    answer(Done {})
}

/// Hear a room without being seen in it
///
/// Every asking is written down. The token hears and sends nothing; ask again before `until` to stay.
#[utoipa::path(post, path = "/moderation/rooms/{roomId}/listen", operation_id = "listenToRoom", tag = "Moderation", params(("roomId" = RoomId, Path, description = "As the list of rooms answers it")),
    request_body = Note, security(("bearer" = [])), responses((status = OK, body = Answer<Listening>), Refusal))]
pub async fn listen(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<RoomId>,
    Body(body): Body<Note>,
) -> Outcome<Listening> {
    answer(banter.moderation().listen(staff, id, &body.note).await?)
}
