//! Who is judged: what is known of them, what is done to them without a case, and their appeals.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::{AppealId, SanctionId, UserId};
use banter_core::moderation::appeals::{self, Appeal};
use banter_core::moderation::dossier::Person;
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::sanctions::{self, Action, Order, Sanction};
use banter_core::page::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::ApiError;
use super::super::extract::{Body, Path, Query, limit};
use super::super::openapi::Refusal;
use super::super::{Answer, Done, Outcome, answer};
use super::{Note, Staff};

#[derive(Serialize, ToSchema)]
pub struct JudgedPerson {
    person: Person,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSanction {
    /// For how many days, of `suspend` and `mute`.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u16>,
    /// What they offended.
    policy: Reason,
    /// For staff.
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
    /// What they read, in place of the usual words in their language.
    #[schema(max_length = 2000)]
    notice: Option<String>,
}

/// What is done to a person; what is done to a message or a room belongs to its case.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersonAct {
    Warn,
    Mute,
    Suspend,
    Ban,
    RemoveAvatar,
    FreezeWallet,
}

impl From<PersonAct> for Action {
    fn from(act: PersonAct) -> Self {
        match act {
            PersonAct::Warn => Self::Warn,
            PersonAct::Mute => Self::Mute,
            PersonAct::Suspend => Self::Suspend,
            PersonAct::Ban => Self::Ban,
            PersonAct::RemoveAvatar => Self::RemoveAvatar,
            PersonAct::FreezeWallet => Self::FreezeWallet,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct OneSanction {
    sanction: Sanction,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sanctions {
    /// Newest first.
    sanctions: Vec<Sanction>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct EndedSanctions {
    sanctions: Vec<Sanction>,
}

#[derive(Deserialize, ToSchema)]
pub struct ReporterMute {
    /// 0: they are taken again.
    #[schema(minimum = 0, maximum = 365)]
    days: u16,
    #[schema(min_length = 1, max_length = 500)]
    note: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct SanctionsQuery {
    /// `proposed`: what waits for a second person.
    #[param(inline)]
    state: Option<sanctions::State>,
    /// Of this person.
    user_id: Option<UserId>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AppealsQuery {
    /// `open` unless told.
    #[param(inline)]
    state: Option<appeals::State>,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appeals {
    /// Oldest first.
    appeals: Vec<Appeal>,
    next_cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AppealVerdict {
    Uphold,
    Overturn,
}

#[derive(Deserialize, ToSchema)]
pub struct AppealDecision {
    /// `overturn` takes the sanction back.
    outcome: AppealVerdict,
    /// What the person reads.
    #[schema(min_length = 1, max_length = 2000)]
    answer: String,
}

/// What is known of a person
///
/// Every look is written down.
#[utoipa::path(get, path = "/moderation/users/{userId}", operation_id = "showJudgedPerson", tag = "Moderation", params(("userId" = UserId, Path, description = "Whom it is about")), security(("bearer" = [])),
    responses((status = OK, body = Answer<JudgedPerson>), Refusal))]
pub async fn show(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(user): Path<UserId>,
) -> Outcome<JudgedPerson> {
    answer(JudgedPerson { person: banter.moderation().person(staff, user).await? })
}

/// Sanction a person without a case
///
/// A ban and a frozen wallet wait for a second person.
#[utoipa::path(post, path = "/moderation/users/{userId}/{act}", operation_id = "sanctionPerson", tag = "Moderation",
    params(("userId" = UserId, Path, description = "Whom it is about"), ("act" = inline(PersonAct), Path, description = "What is done")),
    request_body = NewSanction, security(("bearer" = [])), responses((status = CREATED, body = Answer<OneSanction>), Refusal))]
pub async fn sanction(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path((user, act)): Path<(UserId, PersonAct)>,
    Body(body): Body<NewSanction>,
) -> Result<(StatusCode, Json<Answer<OneSanction>>), ApiError> {
    let order = Order {
        action: act.into(),
        policy: Some(body.policy),
        days: body.days,
        note: body.note,
        notice: body.notice,
    };
    let sanction = banter.moderation().sanction(staff, user, &order).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(OneSanction { sanction }))))
}

/// End all that holds against a person
///
/// Mutes, suspensions, bans, frozen wallets. 409 `NOT_IN_FORCE`: nothing holds.
#[utoipa::path(post, path = "/moderation/users/{userId}/restore", operation_id = "restorePerson", tag = "Moderation", params(("userId" = UserId, Path, description = "Whom it is about")),
    request_body = Note, security(("bearer" = [])), responses((status = OK, body = Answer<EndedSanctions>), Refusal))]
pub async fn restore(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(user): Path<UserId>,
    Body(body): Body<Note>,
) -> Outcome<EndedSanctions> {
    answer(EndedSanctions { sanctions: banter.moderation().restore(staff, user, &body.note).await? })
}

/// Take a person's lighter reports no more for a while
#[utoipa::path(post, path = "/moderation/users/{userId}/mute-reports", operation_id = "muteReporter", tag = "Moderation", params(("userId" = UserId, Path, description = "Whom it is about")),
    request_body = ReporterMute, security(("bearer" = [])), responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn mute_reports(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(user): Path<UserId>,
    Body(body): Body<ReporterMute>,
) -> Outcome<Done> {
    banter.moderation().mute_reporter(staff, user, body.days, &body.note).await?;
    answer(Done {})
}

/// Sanctions
#[utoipa::path(get, path = "/moderation/sanctions", operation_id = "listSanctions", tag = "Moderation", params(SanctionsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Sanctions>), Refusal))]
pub async fn sanctions(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<SanctionsQuery>,
) -> Outcome<Sanctions> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page = banter.moderation().sanctions(staff, query.user_id, query.state, &page).await?;
    answer(Sanctions { sanctions: page.items, next_cursor: page.next_cursor })
}

/// Agree, as the second person
#[utoipa::path(post, path = "/moderation/sanctions/{sanctionId}/confirm", operation_id = "confirmSanction", tag = "Moderation", params(("sanctionId" = SanctionId, Path, description = "As lists of sanctions answer it")),
    security(("bearer" = [])), responses((status = OK, body = Answer<OneSanction>), Refusal))]
pub async fn confirm(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<SanctionId>,
) -> Outcome<OneSanction> {
    answer(OneSanction { sanction: banter.moderation().confirm(staff, id).await? })
}

/// Disagree, as the second person
///
/// Its case is open again.
#[utoipa::path(post, path = "/moderation/sanctions/{sanctionId}/refuse", operation_id = "refuseSanction", tag = "Moderation", params(("sanctionId" = SanctionId, Path, description = "As lists of sanctions answer it")),
    request_body = Note, security(("bearer" = [])), responses((status = OK, body = Answer<OneSanction>), Refusal))]
pub async fn refuse(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<SanctionId>,
    Body(body): Body<Note>,
) -> Outcome<OneSanction> {
    answer(OneSanction { sanction: banter.moderation().refuse(staff, id, &body.note).await? })
}

/// Take a sanction back
///
/// One's own as a moderator, anybody's as a senior one.
#[utoipa::path(post, path = "/moderation/sanctions/{sanctionId}/reverse", operation_id = "reverseSanction", tag = "Moderation", params(("sanctionId" = SanctionId, Path, description = "As lists of sanctions answer it")),
    request_body = Note, security(("bearer" = [])), responses((status = OK, body = Answer<OneSanction>), Refusal))]
pub async fn reverse(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<SanctionId>,
    Body(body): Body<Note>,
) -> Outcome<OneSanction> {
    answer(OneSanction { sanction: banter.moderation().reverse(staff, id, &body.note).await? })
}

/// Appeals
#[utoipa::path(get, path = "/moderation/appeals", operation_id = "listAppeals", tag = "Moderation", params(AppealsQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Appeals>), Refusal))]
pub async fn appeals(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(query): Query<AppealsQuery>,
) -> Outcome<Appeals> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let state = query.state.unwrap_or(appeals::State::Open);
    let page = banter.moderation().appeals(staff, state, &page).await?;
    answer(Appeals { appeals: page.items, next_cursor: page.next_cursor })
}

/// Decide an appeal
///
/// Not by anybody who had a hand in the sanction.
#[utoipa::path(post, path = "/moderation/appeals/{appealId}/decide", operation_id = "decideAppeal", tag = "Moderation", params(("appealId" = AppealId, Path, description = "As the list of appeals answers it")),
    request_body = AppealDecision, security(("bearer" = [])), responses((status = OK, body = Answer<OneSanction>), Refusal))]
pub async fn decide_appeal(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<AppealId>,
    Body(body): Body<AppealDecision>,
) -> Outcome<OneSanction> {
    let overturn = match body.outcome {
        AppealVerdict::Uphold => false,
        AppealVerdict::Overturn => true,
    };
    answer(OneSanction {
        sanction: banter.moderation().decide_appeal(staff, id, overturn, &body.answer).await?,
    })
}
