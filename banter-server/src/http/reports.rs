//! Reporting, and how somebody stands: what they reported, what is held against them, and their appeals.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::{CallId, MessageId, RoomId, SanctionId, UserId};
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::reports::{About, Report, SubjectKind};
use banter_core::moderation::sanctions::MySanction;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{Body, Caller, Client, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// What is reported: `reportType` says which id must be there.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewReport {
    report_type: SubjectKind,
    /// The person; of a room or call who in it is meant, if not its host or the other one.
    reported_user_id: Option<UserId>,
    message_id: Option<MessageId>,
    room_id: Option<RoomId>,
    call_id: Option<CallId>,
    reason: Reason,
    #[schema(max_length = 2000)]
    description: Option<String>,
}

impl NewReport {
    fn about(&self) -> Result<About, ApiError> {
        let missing = |field| ApiError::field(field, "is needed for a report of this type");
        match self.report_type {
            SubjectKind::User => {
                self.reported_user_id.map(About::User).ok_or_else(|| missing("reportedUserId"))
            }
            SubjectKind::Message => self.message_id.map(About::Message).ok_or_else(|| missing("messageId")),
            SubjectKind::Room => self
                .room_id
                .map(|room| About::Room(room, self.reported_user_id))
                .ok_or_else(|| missing("roomId")),
            SubjectKind::Call => self
                .call_id
                .map(|call| About::Call(call, self.reported_user_id))
                .ok_or_else(|| missing("callId")),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Reported {
    report: Report,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyReports {
    /// Newest first.
    reports: Vec<Report>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MySanctions {
    /// Newest first.
    sanctions: Vec<MySanction>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct NewAppeal {
    /// Why it is wrong.
    #[schema(min_length = 1, max_length = 2000)]
    words: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StandingQuestion {
    /// A Firebase ID token of phone sign-in: who is kept out has no other.
    firebase_token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOutAppeal {
    /// A Firebase ID token of phone sign-in: who is kept out has no other.
    firebase_token: String,
    sanction_id: SanctionId,
    /// Why it is wrong.
    #[schema(min_length = 1, max_length = 2000)]
    words: String,
}

#[derive(Serialize, ToSchema)]
pub struct Standing {
    /// Newest first, 20 at most.
    sanctions: Vec<MySanction>,
}

#[derive(Serialize, ToSchema)]
pub struct Appealed {
    sanction: MySanction,
}

/// Report a person, a message, a room or a call
///
/// What was reported is kept as it is now, with what stood around it. 200 when the caller had reported the same before and
/// it is being looked at.
#[utoipa::path(post, path = "/safety/reports", operation_id = "report", tag = "Safety", request_body = NewReport, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<Reported>), (status = OK, body = Answer<Reported>), Refusal))]
pub async fn report(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewReport>,
) -> Result<(StatusCode, Json<Answer<Reported>>), ApiError> {
    let about = body.about()?;
    let filed = banter.moderation().report(&caller, about, body.reason, body.description.as_deref()).await?;
    let status = if filed.repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Answer::new(Reported { report: filed.report }))))
}

/// What I reported, and what became of it
#[utoipa::path(get, path = "/safety/reports", operation_id = "listMyReports", tag = "Safety", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<MyReports>), Refusal))]
pub async fn reports(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<MyReports> {
    let page = banter.moderation().my_reports(&caller, &page.page()?).await?;
    answer(MyReports { reports: page.items, next_cursor: page.next_cursor })
}

/// What was held against me
#[utoipa::path(get, path = "/safety/sanctions", operation_id = "listMySanctions", tag = "Safety", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<MySanctions>), Refusal))]
pub async fn sanctions(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<MySanctions> {
    let page = banter.moderation().my_sanctions(&caller, &page.page()?).await?;
    answer(MySanctions { sanctions: page.items, next_cursor: page.next_cursor })
}

/// Appeal against a sanction
///
/// Once for each; somebody else than who imposed it decides.
#[utoipa::path(post, path = "/safety/sanctions/{sanctionId}/appeal", operation_id = "appeal", tag = "Safety",
    params(("sanctionId" = SanctionId, Path, description = "A sanction of the caller's own")), request_body = NewAppeal, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<Appealed>), Refusal))]
pub async fn appeal(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<SanctionId>,
    Body(body): Body<NewAppeal>,
) -> Result<(StatusCode, Json<Answer<Appealed>>), ApiError> {
    let sanction = banter.moderation().appeal(&caller, id, &body.words).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(Appealed { sanction }))))
}

/// What keeps me out
///
/// For who is told `ACCOUNT_SUSPENDED` at sign-in.
#[utoipa::path(post, path = "/auth/standing", operation_id = "standing", tag = "Accounts", request_body = StandingQuestion,
    responses((status = OK, body = Answer<Standing>), Refusal))]
pub async fn standing(
    State(banter): State<Banter>,
    Client(client): Client,
    Body(body): Body<StandingQuestion>,
) -> Outcome<Standing> {
    answer(Standing { sanctions: banter.moderation().standing(&body.firebase_token, &client).await? })
}

/// Appeal from outside
///
/// For who is told `ACCOUNT_SUSPENDED` at sign-in.
#[utoipa::path(post, path = "/auth/appeal", operation_id = "appealSignedOut", tag = "Accounts", request_body = SignedOutAppeal,
    responses((status = CREATED, body = Answer<Appealed>), Refusal))]
pub async fn appeal_signed_out(
    State(banter): State<Banter>,
    Client(client): Client,
    Body(body): Body<SignedOutAppeal>,
) -> Result<(StatusCode, Json<Answer<Appealed>>), ApiError> {
    let sanction = banter
        .moderation()
        .appeal_signed_out(&body.firebase_token, &client, body.sanction_id, &body.words)
        .await?;
    Ok((StatusCode::CREATED, Json(Answer::new(Appealed { sanction }))))
}
