//! The queue, and what becomes of a case.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::error::Problems;
use banter_core::ids::{CaseId, MessageId, UserId};
use banter_core::moderation;
use banter_core::moderation::cases::{Case, Filter, Status};
use banter_core::moderation::decide::Decision;
use banter_core::moderation::dossier::Dossier;
use banter_core::moderation::orders::Ordered;
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::reports::{Source, SubjectKind};
use banter_core::moderation::sanctions::{Action, Order};
use banter_core::page::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::ApiError;
use super::super::extract::{Body, Path, Query, limit};
use super::super::openapi::Refusal;
use super::super::{Answer, Done, Outcome, answer};
use super::{Note, Staff};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct QueueQuery {
    /// What is open, unless told.
    #[param(inline)]
    status: Option<Status>,
    /// The gravest reason it was reported for.
    #[param(inline)]
    reason: Option<Reason>,
    /// What was reported.
    #[param(inline)]
    kind: Option<SubjectKind>,
    /// Who found it.
    #[param(inline)]
    source: Option<Source>,
    /// What was handed up, or what was not.
    escalated: Option<bool>,
    /// Past its due time.
    #[serde(default)]
    #[param(required = false)]
    overdue: bool,
    /// Held by nobody now.
    #[serde(default)]
    #[param(required = false)]
    free: bool,
    /// Held by the caller now.
    #[serde(default)]
    #[param(required = false)]
    mine: bool,
    /// About this person.
    user_id: Option<UserId>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cases {
    /// Most urgent first: what is past its due time, then by priority as it was when the first page was asked for.
    cases: Vec<Case>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OneCase {
    case: Case,
}

#[derive(Serialize, ToSchema)]
pub struct NextCase {
    /// Null: nothing waits.
    case: Option<Case>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Dismissed,
    ActionTaken,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    outcome: Verdict,
    /// With `action_taken`.
    action: Option<Action>,
    /// For how many days, of `suspend` and `mute`.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u16>,
    /// What it offends; what it was reported for unless told.
    policy: Option<Reason>,
    /// For staff.
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
    /// What the sanctioned person reads, in place of the usual words in their language.
    #[schema(max_length = 2000)]
    notice: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    /// Who it is about; or `messageId`.
    user_id: Option<UserId>,
    /// Which message it is about.
    message_id: Option<MessageId>,
    /// Who orders what, under which number.
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
}

/// The queue
#[utoipa::path(get, path = "/moderation/reports", operation_id = "listCases", tag = "Moderation", params(QueueQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Cases>), Refusal))]
pub async fn queue(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<QueueQuery>,
) -> Outcome<Cases> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let filter = Filter {
        status: query.status,
        reason: query.reason,
        kind: query.kind,
        escalated: query.escalated,
        source: query.source,
        user: query.user_id,
        claimed_by: staff.id().filter(|_| query.mine),
        free: query.free,
        overdue: query.overdue,
    };
    let page = banter.moderation().queue(staff, &filter, &page).await?;
    answer(Cases { cases: page.items, next_cursor: page.next_cursor })
}

/// File what a court or an authority orders
///
/// Senior staff does. It is due within hours; an open case about the same takes it up.
#[utoipa::path(post, path = "/moderation/orders", operation_id = "fileOrder", tag = "Moderation", request_body = NewOrder, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<OneCase>), Refusal))]
pub async fn order(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Body(body): Body<NewOrder>,
) -> Result<(StatusCode, Json<Answer<OneCase>>), ApiError> {
    let ordered = match (body.user_id, body.message_id) {
        (Some(user), None) => Ordered::User(user),
        (None, Some(message)) => Ordered::Message(message),
        _ => {
            let problem = Problems::one("userId", "must be given, or `messageId`, and not both");
            return Err(moderation::Error::from(problem).into());
        }
    };
    let case = banter.moderation().file_order(staff, ordered, &body.note).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(OneCase { case }))))
}

/// A case with what was reported
///
/// Every look is written down.
#[utoipa::path(get, path = "/moderation/reports/{caseId}", operation_id = "showCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<Dossier>), Refusal))]
pub async fn show(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
) -> Outcome<Dossier> {
    answer(banter.moderation().dossier(staff, id).await?)
}

/// Take the most urgent case that nobody holds
#[utoipa::path(post, path = "/moderation/reports/next", operation_id = "claimNextCase", tag = "Moderation", security(("bearer" = [])),
    responses((status = OK, body = Answer<NextCase>), Refusal))]
pub async fn claim_next(State(banter): State<Banter>, Staff(staff): Staff) -> Outcome<NextCase> {
    answer(NextCase { case: banter.moderation().claim_next(staff).await? })
}

/// Take a case
///
/// Held for a while; doing anything with it, or taking it again, prolongs that.
#[utoipa::path(post, path = "/moderation/reports/{caseId}/claim", operation_id = "claimCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<OneCase>), Refusal))]
pub async fn claim(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
) -> Outcome<OneCase> {
    answer(OneCase { case: banter.moderation().claim(staff, id).await? })
}

/// Give a case back
#[utoipa::path(post, path = "/moderation/reports/{caseId}/release", operation_id = "releaseCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<OneCase>), Refusal))]
pub async fn release(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
) -> Outcome<OneCase> {
    answer(OneCase { case: banter.moderation().release(staff, id).await? })
}

/// Hand a case up to a senior moderator
#[utoipa::path(post, path = "/moderation/reports/{caseId}/escalate", operation_id = "escalateCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")),
    request_body = Note, security(("bearer" = [])), responses((status = OK, body = Answer<OneCase>), Refusal))]
pub async fn escalate(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
    Body(body): Body<Note>,
) -> Outcome<OneCase> {
    answer(OneCase { case: banter.moderation().escalate(staff, id, &body.note).await? })
}

/// Write a note into a case
#[utoipa::path(post, path = "/moderation/reports/{caseId}/notes", operation_id = "noteCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")),
    request_body = Note, security(("bearer" = [])), responses((status = CREATED, body = Answer<Done>), Refusal))]
pub async fn note(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
    Body(body): Body<Note>,
) -> Result<(StatusCode, Json<Answer<Done>>), ApiError> {
    banter.moderation().note(staff, id, &body.note).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(Done {}))))
}

/// Decide a case
///
/// A ban and a frozen wallet wait for a second person: the case's status is then `awaiting`.
#[utoipa::path(post, path = "/moderation/reports/{caseId}/resolve", operation_id = "resolveCase", tag = "Moderation", params(("caseId" = CaseId, Path, description = "As the queue answers it")),
    request_body = Resolution, security(("bearer" = [])), responses((status = OK, body = Answer<OneCase>), Refusal))]
pub async fn resolve(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<CaseId>,
    Body(body): Body<Resolution>,
) -> Outcome<OneCase> {
    let decision = match (body.outcome, body.action) {
        (Verdict::Dismissed, None) => Decision::Dismiss { note: body.note },
        (Verdict::Dismissed, Some(_)) => return Err(ApiError::field("action", "is for action_taken")),
        (Verdict::ActionTaken, None) => return Err(ApiError::field("action", "is needed")),
        (Verdict::ActionTaken, Some(action)) => Decision::Act(Order {
            action,
            policy: body.policy,
            days: body.days,
            note: body.note,
            notice: body.notice,
        }),
    };
    answer(OneCase { case: banter.moderation().resolve(staff, id, &decision).await? })
}
