//! Is somebody who they say they are?

use axum::extract::State;
use banter_core::Banter;
use banter_core::ids::VerificationId;
use banter_core::media::verification::Status;
use banter_core::moderation::verifications::{Request, Shown};
use banter_core::page::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::{Body, Path, Query, limit};
use super::super::openapi::Refusal;
use super::super::{Answer, Done, Outcome, answer};
use super::Staff;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerificationsQuery {
    /// `pending` unless told.
    #[param(inline)]
    status: Option<Status>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequests {
    /// Oldest first.
    verifications: Vec<Request>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct Rejection {
    /// What the person reads.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Who asks to be verified
#[utoipa::path(get, path = "/moderation/verifications", operation_id = "listVerifications", tag = "Moderation", params(VerificationsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<VerificationRequests>), Refusal))]
pub async fn list(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<VerificationsQuery>,
) -> Outcome<VerificationRequests> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page =
        banter.moderation().verifications(staff, query.status.unwrap_or(Status::Pending), &page).await?;
    answer(VerificationRequests { verifications: page.items, next_cursor: page.next_cursor })
}

/// What somebody showed to be verified
///
/// Every look is written down. The links end within the hour.
#[utoipa::path(get, path = "/moderation/verifications/{verificationId}", operation_id = "showVerification", tag = "Moderation",
    params(("verificationId" = VerificationId, Path, description = "As the list answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<Shown>), Refusal))]
pub async fn show(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<VerificationId>,
) -> Outcome<Shown> {
    answer(banter.moderation().verification(staff, id).await?)
}

/// They are who they say
#[utoipa::path(post, path = "/moderation/verifications/{verificationId}/approve", operation_id = "approveVerification", tag = "Moderation",
    params(("verificationId" = VerificationId, Path, description = "As the list answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn approve(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<VerificationId>,
) -> Outcome<Done> {
    banter.moderation().approve_verification(staff, id).await?;
    answer(Done {})
}

/// That cannot be seen
#[utoipa::path(post, path = "/moderation/verifications/{verificationId}/reject", operation_id = "rejectVerification", tag = "Moderation",
    params(("verificationId" = VerificationId, Path, description = "As the list answers it")), request_body = Rejection, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn reject(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<VerificationId>,
    Body(body): Body<Rejection>,
) -> Outcome<Done> {
    banter.moderation().reject_verification(staff, id, &body.reason).await?;
    answer(Done {})
}
