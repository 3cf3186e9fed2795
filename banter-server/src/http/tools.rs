//! Staff signs in on a tool, by a code that they approve in the app.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::accounts::Role;
use banter_core::ids::UserId;
use banter_core::moderation::tools::{CODE_LIFE, INTERVAL};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{Body, Caller, Client, Path};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Deserialize, ToSchema)]
pub struct NewToolSignIn {
    /// Its name, version and host, for the eyes of whoever approves: `banter-tui 0.1 on meera-laptop`.
    #[schema(min_length = 1, max_length = 100)]
    tool: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolSignIn {
    /// For `/auth/device/token`; nobody else is to see it.
    device_code: String,
    /// To be shown, and typed or opened in the app.
    #[schema(example = "BCDF-GHJK")]
    user_code: String,
    /// Opens the app where it is to be approved.
    #[schema(example = "banter://device?code=BCDF-GHJK")]
    verification_uri: String,
    /// Seconds.
    expires_in: i64,
    /// Seconds between two questions.
    interval: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCode {
    device_code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserCode {
    user_code: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedByTool {
    /// As it says itself.
    tool: String,
    /// From where it asks.
    address: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolTokens {
    access_token: String,
    /// Good until `expiresAt`, however often it is used.
    refresh_token: String,
    user_id: UserId,
    username: Option<String>,
    role: Role,
    expires_at: DateTime<Utc>,
}

/// Begin to sign in on a tool
#[utoipa::path(post, path = "/auth/device/start", operation_id = "startToolSignIn", tag = "Accounts", request_body = NewToolSignIn,
    responses((status = CREATED, body = Answer<ToolSignIn>), Refusal))]
pub async fn start(
    State(banter): State<Banter>,
    Client(client): Client,
    Body(body): Body<NewToolSignIn>,
) -> Result<(StatusCode, Json<Answer<ToolSignIn>>), ApiError> {
    let started = banter.moderation().start_tool(&body.tool, &client).await?;
    let sign_in = ToolSignIn {
        verification_uri: format!("banter://device?code={}", started.user_code),
        device_code: started.device_code,
        user_code: started.user_code,
        expires_in: CODE_LIFE.num_seconds(),
        interval: INTERVAL.num_seconds(),
    };
    Ok((StatusCode::CREATED, Json(Answer::new(sign_in))))
}

/// Ask whether it was approved
///
/// 400 `AUTHORIZATION_PENDING`: not yet, `SLOW_DOWN`: asked before the interval was over, `ACCESS_DENIED`, `EXPIRED_TOKEN`.
#[utoipa::path(post, path = "/auth/device/token", operation_id = "pollToolSignIn", tag = "Accounts", request_body = DeviceCode,
    responses((status = OK, body = Answer<ToolTokens>), Refusal))]
pub async fn token(State(banter): State<Banter>, Body(body): Body<DeviceCode>) -> Outcome<ToolTokens> {
    let login = banter.moderation().tool_login(&body.device_code).await?;
    answer(ToolTokens {
        access_token: login.tokens.access,
        refresh_token: login.tokens.refresh,
        user_id: login.user,
        username: login.username,
        role: login.role,
        expires_at: login.expires_at,
    })
}

/// What a tool asks for
///
/// To be shown before anything is approved: whoever reads a code out to you may want in as you.
#[utoipa::path(get, path = "/auth/device/{userCode}", operation_id = "showToolSignIn", tag = "Accounts",
    params(("userCode" = String, Path, description = "As the tool shows it")), security(("bearer" = [])),
    responses((status = OK, body = Answer<AskedByTool>), Refusal))]
pub async fn show(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(code): Path<String>,
) -> Outcome<AskedByTool> {
    let asked = banter.moderation().asked_by_tool(&caller, &code).await?;
    answer(AskedByTool {
        tool: asked.tool,
        address: asked.address,
        created_at: asked.created_at,
        expires_at: asked.expires_at,
    })
}

/// Let a tool in as me
#[utoipa::path(post, path = "/auth/device/approve", operation_id = "approveToolSignIn", tag = "Accounts", request_body = UserCode, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn approve(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<UserCode>,
) -> Outcome<Done> {
    banter.moderation().answer_tool(&caller, &body.user_code, true).await?;
    answer(Done {})
}

/// Do not let a tool in
#[utoipa::path(post, path = "/auth/device/deny", operation_id = "denyToolSignIn", tag = "Accounts", request_body = UserCode, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn deny(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<UserCode>,
) -> Outcome<Done> {
    banter.moderation().answer_tool(&caller, &body.user_code, false).await?;
    answer(Done {})
}
