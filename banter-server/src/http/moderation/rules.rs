//! Automatic rules, and the messages that they hold.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::HeldMessageId;
use banter_core::messaging::Message;
use banter_core::moderation::reasons::Reason;
use banter_core::moderation::rules::held::HeldMessage;
use banter_core::moderation::rules::keep::{Change, Kept};
use banter_core::moderation::rules::{self, Rule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::ApiError;
use super::super::extract::{Body, PageQuery, Path, Query};
use super::super::openapi::Refusal;
use super::super::{Answer, Done, Outcome, answer};
use super::{Note, Staff};

#[derive(Serialize, ToSchema)]
pub struct RuleList {
    /// By name.
    rules: Vec<Kept>,
}

#[derive(Serialize, ToSchema)]
pub struct OneRule {
    rule: Kept,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRule {
    /// `a-z`, `0-9`, `_`, `-`; 40 characters at most.
    name: String,
    test: rules::Test,
    action: rules::Action,
    /// What it offends.
    reason: Reason,
    /// Between friends it finds nothing; true unless told.
    spares_friends: Option<bool>,
    /// `shadow` unless told.
    state: Option<rules::State>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldMessages {
    /// Oldest first.
    messages: Vec<HeldMessage>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ReleasedMessage {
    /// As its sender sees it.
    message: Message,
}

/// Automatic rules
#[utoipa::path(get, path = "/moderation/rules", operation_id = "listRules", tag = "Moderation", security(("bearer" = [])),
    responses((status = OK, body = Answer<RuleList>), Refusal))]
pub async fn list(State(banter): State<Banter>, Staff(staff): Staff) -> Outcome<RuleList> {
    answer(RuleList { rules: banter.moderation().rules(staff).await? })
}

/// Add an automatic rule
#[utoipa::path(post, path = "/moderation/rules", operation_id = "addRule", tag = "Moderation", request_body = NewRule, security(("bearer" = [])),
    responses((status = CREATED, body = Answer<OneRule>), Refusal))]
pub async fn add(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Body(body): Body<NewRule>,
) -> Result<(StatusCode, Json<Answer<OneRule>>), ApiError> {
    let state = body.state.unwrap_or(rules::State::Shadow);
    let rule = Rule {
        name: body.name,
        test: body.test,
        action: body.action,
        reason: body.reason,
        spares_friends: body.spares_friends.unwrap_or(true),
    };
    let rule = banter.moderation().add_rules(staff, &[rule], state).await?.remove(0);
    Ok((StatusCode::CREATED, Json(Answer::new(OneRule { rule }))))
}

/// Change an automatic rule, or switch it
#[utoipa::path(patch, path = "/moderation/rules/{ruleName}", operation_id = "changeRule", tag = "Moderation",
    params(("ruleName" = String, Path, description = "As the list of rules answers it")), request_body = Change, security(("bearer" = [])),
    responses((status = OK, body = Answer<OneRule>), Refusal))]
pub async fn change(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(name): Path<String>,
    Body(body): Body<Change>,
) -> Outcome<OneRule> {
    answer(OneRule { rule: banter.moderation().change_rule(staff, &name, &body).await? })
}

/// Remove an automatic rule
#[utoipa::path(delete, path = "/moderation/rules/{ruleName}", operation_id = "removeRule", tag = "Moderation",
    params(("ruleName" = String, Path, description = "As the list of rules answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn remove(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(name): Path<String>,
) -> Outcome<Done> {
    banter.moderation().remove_rule(staff, &name).await?;
    answer(Done {})
}

/// Messages that rules hold
///
/// Every look is written down.
#[utoipa::path(get, path = "/moderation/held", operation_id = "listHeldMessages", tag = "Moderation", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<HeldMessages>), Refusal))]
pub async fn held(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Query(page): Query<PageQuery>,
) -> Outcome<HeldMessages> {
    let page = banter.moderation().held_messages(staff, &page.page()?).await?;
    answer(HeldMessages { messages: page.items, next_cursor: page.next_cursor })
}

/// Send a held message now
#[utoipa::path(post, path = "/moderation/held/{heldId}/release", operation_id = "releaseHeldMessage", tag = "Moderation",
    params(("heldId" = HeldMessageId, Path, description = "As the list of held messages answers it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<ReleasedMessage>), Refusal))]
pub async fn release(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<HeldMessageId>,
) -> Outcome<ReleasedMessage> {
    answer(ReleasedMessage { message: banter.moderation().release_message(staff, id).await? })
}

/// Have a held message never be sent
#[utoipa::path(post, path = "/moderation/held/{heldId}/drop", operation_id = "dropHeldMessage", tag = "Moderation",
    params(("heldId" = HeldMessageId, Path, description = "As the list of held messages answers it")), request_body = Note, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn drop(
    State(banter): State<Banter>,
    Staff(staff): Staff,
    Path(id): Path<HeldMessageId>,
    Body(body): Body<Note>,
) -> Outcome<Done> {
    banter.moderation().drop_message(staff, id, &body.note).await?;
    answer(Done {})
}
