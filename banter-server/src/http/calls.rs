//! Calls: ringing, answering, hanging up, and what became of them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use banter_core::Banter;
use banter_core::calls::history::Call;
use banter_core::calls::initiate::Whom;
use banter_core::calls::{CallType, Placed};
use banter_core::ids::{CallId, ConversationId, UserId};
use banter_core::providers::turn::IceServer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{Body, Caller, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// Exactly one of `receiverId` and `conversationId`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewCall {
    /// Whom to call.
    receiver_id: Option<UserId>,
    /// The group to call.
    conversation_id: Option<ConversationId>,
    call_type: CallType,
}

/// What the caller needs to enter.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallerEntrance {
    id: CallId,
    /// The room at the media server.
    room_name: String,
    livekit_server_url: String,
    /// Good for one minute; once in, the media server gives newer ones itself.
    caller_token: String,
    /// The identity in the token.
    participant_name: String,
}

/// What whoever was called needs to enter.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverEntrance {
    id: CallId,
    /// The room at the media server.
    room_name: String,
    livekit_server_url: String,
    /// Good for one minute; once in, the media server gives newer ones itself.
    receiver_token: String,
    /// The identity in the token.
    participant_name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallPlaced {
    call: CallerEntrance,
    call_log: Call,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallTaken {
    call: ReceiverEntrance,
    call_log: Call,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneCall {
    call_log: Call,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallHistory {
    calls: Vec<Call>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceServers {
    /// For WebRTC's `RTCConfiguration.iceServers`.
    ice_servers: Vec<IceServer>,
    /// Seconds until the credentials run out.
    ttl: u64,
}

/// Call somebody, or a group
///
/// Whoever calls somebody who is calling them answers by it: `callLog.status` is `answered` then. A repeat on the same
/// login answers the same call with another token. `USER_NOT_ONLINE`: there is neither an open socket nor a phone to push
/// to; `USER_BUSY`: in another call, and told that this one was missed; `ALREADY_IN_CALL`: the caller is.
#[utoipa::path(post, path = "/calls/initiate", operation_id = "initiateCall", tag = "Calls", request_body = NewCall, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<CallPlaced>), Refusal))]
pub async fn initiate(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewCall>,
) -> Result<(StatusCode, Json<Answer<CallPlaced>>), ApiError> {
    let whom = Whom::of(body.receiver_id, body.conversation_id)?;
    let Placed { call, entrance } = banter.calls().initiate(&caller, whom, body.call_type).await?;
    let placed = CallerEntrance {
        id: call.id,
        room_name: entrance.livekit_room,
        livekit_server_url: entrance.server_url,
        caller_token: entrance.token,
        participant_name: entrance.participant_name,
    };
    Ok((StatusCode::CREATED, Json(Answer::new(CallPlaced { call: placed, call_log: call }))))
}

/// Answer a call
///
/// The first device takes it, and may ask again for another token; others get `CALL_ANSWERED_ELSEWHERE`. A call to a group
/// can be entered as long as the others talk.
#[utoipa::path(post, path = "/calls/{id}/answer", operation_id = "answerCall", tag = "Calls", params(("id" = CallId, Path, description = "A call to the caller")),
    security(("bearer" = [])), responses((status = OK, body = Answer<CallTaken>), Refusal))]
pub async fn answer_call(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<CallId>,
) -> Outcome<CallTaken> {
    let Placed { call, entrance } = banter.calls().answer(&caller, id).await?;
    let taken = ReceiverEntrance {
        id: call.id,
        room_name: entrance.livekit_room,
        livekit_server_url: entrance.server_url,
        receiver_token: entrance.token,
        participant_name: entrance.participant_name,
    };
    answer(CallTaken { call: taken, call_log: call })
}

/// Refuse a call
///
/// In a group, for the caller alone.
#[utoipa::path(post, path = "/calls/{id}/reject", operation_id = "rejectCall", tag = "Calls", params(("id" = CallId, Path, description = "A call to the caller")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneCall>), Refusal))]
pub async fn reject(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<CallId>,
) -> Outcome<OneCall> {
    answer(OneCall { call_log: banter.calls().reject(&caller, id).await? })
}

/// Hang up before anybody answered
#[utoipa::path(post, path = "/calls/{id}/cancel", operation_id = "cancelCall", tag = "Calls", params(("id" = CallId, Path, description = "A call of the caller's")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneCall>), Refusal))]
pub async fn cancel(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<CallId>,
) -> Outcome<OneCall> {
    answer(OneCall { call_log: banter.calls().cancel(&caller, id).await? })
}

/// Hang up
///
/// Before the answer it cancels or refuses; in a group the caller alone leaves. A call that is over stays as it is. The
/// duration is counted by the server, whatever the body says.
#[utoipa::path(post, path = "/calls/{id}/end", operation_id = "endCall", tag = "Calls", params(("id" = CallId, Path, description = "A call of the caller's, or to them")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneCall>), Refusal))]
pub async fn end(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<CallId>,
) -> Outcome<OneCall> {
    answer(OneCall { call_log: banter.calls().end(&caller, id).await? })
}

/// A call
#[utoipa::path(get, path = "/calls/{id}", operation_id = "getCall", tag = "Calls", params(("id" = CallId, Path, description = "A call of the caller's, or to them")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneCall>), Refusal))]
pub async fn one(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<CallId>,
) -> Outcome<OneCall> {
    answer(OneCall { call_log: banter.calls().one(&caller, id).await? })
}

/// My calls, newest first
#[utoipa::path(get, path = "/calls/history", operation_id = "listCalls", tag = "Calls", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<CallHistory>), Refusal))]
pub async fn history(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<CallHistory> {
    let page = banter.calls().history(&caller, &page.page()?).await?;
    answer(CallHistory { calls: page.items, next_cursor: page.next_cursor })
}

/// What a phone needs to find a way through its network
///
/// STUN, and the relay with credentials of the caller's own that run out. Ask again before a call when they have.
#[utoipa::path(get, path = "/calls/ice-servers", operation_id = "listIceServers", tag = "Calls", security(("bearer" = [])),
    responses((status = OK, body = Answer<IceServers>), Refusal))]
pub async fn ice_servers(State(banter): State<Banter>, Caller(caller): Caller) -> Response {
    let banter_core::voice::IceServers { servers, ttl } = banter.voice().ice_servers(caller.user_id);
    let json = Json(Answer::new(IceServers { ice_servers: servers, ttl }));
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], json).into_response()
}
