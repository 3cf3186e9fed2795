//! Who is here now.

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::UserId;
use banter_core::presence::Presence;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Caller, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct PresenceQuery {
    /// Comma-separated ids, 100 at most.
    user_ids: String,
}

#[derive(Serialize, ToSchema)]
pub struct PresenceAnswer {
    presence: Vec<Presence>,
}

/// Who of these is here?
///
/// Answers for those whose presence the caller may see and leaves out the others.
#[utoipa::path(get, path = "/presence", operation_id = "getPresence", tag = "Presence", params(PresenceQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<PresenceAnswer>), Refusal))]
pub async fn presence(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<PresenceQuery>,
) -> Outcome<PresenceAnswer> {
    let ids = query.user_ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    let users: Result<Vec<UserId>, _> = ids.map(str::parse).collect();
    let users = users.map_err(|_| ApiError::field("userIds", "must be comma-separated UUIDs"))?;
    answer(PresenceAnswer { presence: banter.presence().of(&caller, &users).await? })
}
