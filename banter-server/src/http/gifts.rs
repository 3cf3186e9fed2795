//! Gifts.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use banter_core::Banter;
use banter_core::gifts::give::Draft;
use banter_core::gifts::list::{Direction, Listed};
use banter_core::gifts::{Gift, Given};
use banter_core::ids::{ConversationId, RoomId, UserId};
use banter_core::messaging::Message;
use banter_core::page::PageRequest;
use banter_core::rooms;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Body, Caller, Query, limit};
use super::messages::client_id;
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
pub struct GiftNames {
    en: &'static str,
    hi: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct CatalogueGift {
    gift: Gift,
    name: GiftNames,
    /// What it costs, and brings.
    coins: i32,
}

#[derive(Serialize, ToSchema)]
pub struct Catalogue {
    /// Cheapest first.
    gifts: Vec<CatalogueGift>,
}

/// A gift to give: in a room or a conversation that both are in, or else in the direct one with the receiver.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewGift {
    receiver_id: UserId,
    room_id: Option<RoomId>,
    conversation_id: Option<ConversationId>,
    gift: Gift,
    /// Chosen by the giver's device; giving again with the same one is safe. It is the message's `clientMessageId` too.
    #[schema(min_length = 1, max_length = 64)]
    client_gift_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct GaveGift {
    gift: Given,
    /// What shows it; null where an earlier attempt gave it and the caller may not read there any more.
    message: Option<Message>,
    /// What the caller has now.
    coins: i32,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GiftsQuery {
    /// The caller's own, or those they were given.
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
pub struct GiftList {
    gifts: Vec<Listed>,
    next_cursor: Option<String>,
}

/// What can be given
#[utoipa::path(get, path = "/gifts/catalogue", operation_id = "listGiftCatalogue", tag = "Gifts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Catalogue>), Refusal))]
pub async fn catalogue(Caller(_): Caller) -> Outcome<Catalogue> {
    let gifts = Gift::ALL.map(|gift| CatalogueGift {
        gift,
        name: GiftNames { en: gift.english(), hi: gift.hindi() },
        coins: gift.coins(),
    });
    answer(Catalogue { gifts: gifts.into() })
}

/// Give somebody something
///
/// 201 when it was given now, 200 when an earlier attempt with the same `clientGiftId` had given it.
#[utoipa::path(post, path = "/gifts", operation_id = "giveGift", tag = "Gifts", request_body = NewGift, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<GaveGift>), (status = OK, body = Answer<GaveGift>), Refusal))]
pub async fn give(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(body): Body<NewGift>,
) -> Result<(StatusCode, Json<Answer<GaveGift>>), ApiError> {
    let conversation = match (body.room_id, body.conversation_id) {
        (Some(_), Some(_)) => return Err(ApiError::field("roomId", "and conversationId exclude each other")),
        (Some(room), None) => Some(rooms::conversation_of(room)),
        (None, conversation) => conversation,
    };
    let draft = Draft {
        receiver: body.receiver_id,
        conversation,
        gift: body.gift,
        client_gift_id: body.client_gift_id.or_else(|| client_id(&headers)),
    };
    let gave = banter.gifts().give(&caller, &draft).await?;
    let status = if gave.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let gave = GaveGift { gift: gave.given, message: gave.message, coins: gave.balance };
    Ok((status, Json(Answer::new(gave))))
}

/// What I gave, or was given
#[utoipa::path(get, path = "/gifts", operation_id = "listGifts", tag = "Gifts", params(GiftsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<GiftList>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<GiftsQuery>,
) -> Outcome<GiftList> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let listed = banter.gifts().list(&caller, query.direction, &page).await?;
    answer(GiftList { gifts: listed.items, next_cursor: listed.next_cursor })
}
