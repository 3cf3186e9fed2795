//! Signing in and the logins of a person (requirements, tasks 2.2 to 2.6).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::accounts::Gender;
use banter_core::accounts::sign_in::{Registration, SignIn, SignedIn};
use banter_core::ids::{SessionId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Caller, Client, PageQuery, Path, Query};
use super::openapi::Refusal;
use super::users::Me;
use super::{Answer, Outcome, answer};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyFirebase {
    /// A Firebase ID token of phone sign-in.
    firebase_token: String,
    /// This device's FCM registration token.
    fcm_token: Option<String>,
}

/// The owner's short view, as the app keeps it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountUser {
    id: UserId,
    #[schema(example = "+919876543210")]
    phone_number: String,
    full_name: String,
    avatar: Option<String>,
    username: Option<String>,
    coins: i32,
    is_premium: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Verified {
    #[serde(rename_all = "camelCase")]
    Stranger {
        /// True here: go on with `/auth/register`.
        is_new_user: bool,
        firebase_uid: String,
        phone_number: String,
        message: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Known {
        /// False here.
        is_new_user: bool,
        /// For `Authorization: Bearer`; dies soon.
        access_token: String,
        /// For `/auth/refresh`.
        refresh_token: String,
        user: AccountUser,
    },
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    firebase_token: String,
    #[schema(min_length = 2, max_length = 50)]
    full_name: String,
    /// Unique whatever the case.
    #[schema(pattern = "^[A-Za-z0-9_]{3,20}$")]
    username: String,
    /// `YYYY-MM-DD`, or a time in RFC 3339; 18 years ago or longer.
    #[schema(example = "1998-04-23")]
    date_of_birth: String,
    gender: Gender,
    fcm_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    access_token: String,
    refresh_token: String,
    user: AccountUser,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    refresh_token: String,
    /// Also answers a new refresh token; the old one must then never be used again.
    #[serde(default)]
    rotate: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    access_token: String,
    /// Only with `rotate`: the one to use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Message {
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct MeAnswer {
    user: Me,
}

/// One login.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    id: SessionId,
    user_agent: Option<String>,
    platform: Option<String>,
    /// The tool it was made for; null: the app.
    tool: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    /// The login that asks.
    current: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    sessions: Vec<SessionView>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Ended {
    /// How many logins were ended.
    ended: usize,
}

impl From<SignedIn> for AccountUser {
    fn from(user: SignedIn) -> Self {
        Self {
            id: user.id,
            phone_number: user.phone_number.as_str().to_owned(),
            full_name: user.full_name,
            avatar: user.avatar,
            username: user.username,
            coins: user.coins,
            is_premium: user.is_premium,
        }
    }
}

/// Sign in with a Firebase ID token
#[utoipa::path(post, path = "/auth/verify-firebase", operation_id = "verifyFirebase", tag = "Accounts", request_body = VerifyFirebase,
    responses((status = OK, body = Answer<Verified>), Refusal))]
pub async fn verify_firebase(
    State(banter): State<Banter>,
    Client(client): Client,
    Body(body): Body<VerifyFirebase>,
) -> Outcome<Verified> {
    let outcome = banter.accounts().sign_in(&body.firebase_token, body.fcm_token.as_deref(), &client).await?;
    answer(match outcome {
        SignIn::Stranger(identity) => Verified::Stranger {
            is_new_user: true,
            firebase_uid: identity.uid,
            phone_number: identity.phone_number.as_str().to_owned(),
            message: "Please complete registration",
        },
        SignIn::Known(user) => {
            let tokens = user.tokens.clone();
            Verified::Known {
                is_new_user: false,
                access_token: tokens.access,
                refresh_token: tokens.refresh,
                user: (*user).into(),
            }
        }
    })
}

/// Create the account
#[utoipa::path(post, path = "/auth/register", tag = "Accounts", request_body = Register,
    responses((status = CREATED, body = Answer<Registered>), Refusal))]
pub async fn register(
    State(banter): State<Banter>,
    Client(client): Client,
    Body(body): Body<Register>,
) -> Result<(StatusCode, Json<Answer<Registered>>), super::error::ApiError> {
    let registration = Registration {
        firebase_token: body.firebase_token,
        full_name: body.full_name,
        username: body.username,
        date_of_birth: body.date_of_birth,
        gender: body.gender,
        fcm_token: body.fcm_token,
    };
    let user = banter.accounts().register(registration, &client).await?;
    let tokens = user.tokens.clone();
    let registered =
        Registered { access_token: tokens.access, refresh_token: tokens.refresh, user: user.into() };
    Ok((StatusCode::CREATED, Json(Answer::new(registered))))
}

/// A new access token
#[utoipa::path(post, path = "/auth/refresh", operation_id = "refreshTokens", tag = "Accounts", request_body = Refresh,
    responses((status = OK, body = Answer<Refreshed>), Refusal))]
pub async fn refresh(State(banter): State<Banter>, Body(body): Body<Refresh>) -> Outcome<Refreshed> {
    let (access_token, refresh_token) = banter.accounts().refresh(&body.refresh_token, body.rotate).await?;
    answer(Refreshed { access_token, refresh_token })
}

/// End this login
#[utoipa::path(post, path = "/auth/logout", operation_id = "logOut", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Message>), Refusal))]
pub async fn logout(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<Message> {
    banter.accounts().log_out(&caller).await?;
    answer(Message { message: "Logged out successfully" })
}

/// Who am I?
#[utoipa::path(get, path = "/auth/me", operation_id = "getMe", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<MeAnswer>), Refusal))]
pub async fn me(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<MeAnswer> {
    answer(MeAnswer { user: banter.accounts().profile(caller.user_id).await?.into() })
}

/// My logins
#[utoipa::path(get, path = "/auth/sessions", operation_id = "listSessions", tag = "Accounts", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Sessions>), Refusal))]
pub async fn sessions(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<Sessions> {
    let page = banter.accounts().sessions(&caller, &page.page()?).await?;
    let sessions = page.items.into_iter().map(|session| SessionView {
        id: session.id,
        user_agent: session.user_agent,
        platform: session.platform,
        tool: session.tool,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        current: session.current,
    });
    answer(Sessions { sessions: sessions.collect(), next_cursor: page.next_cursor })
}

/// End one of my logins
#[utoipa::path(delete, path = "/auth/sessions/{id}", operation_id = "endSession", tag = "Accounts", params(("id" = SessionId, Path, description = "One of `/auth/sessions`")),
    security(("bearer" = [])), responses((status = OK, body = Answer<super::Done>), Refusal))]
pub async fn end_session(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<SessionId>,
) -> Outcome<super::Done> {
    banter.accounts().end_session(&caller, id).await?;
    answer(super::Done {})
}

/// End all my logins but this one
#[utoipa::path(delete, path = "/auth/sessions", operation_id = "endOtherSessions", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Ended>), Refusal))]
pub async fn end_other_sessions(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<Ended> {
    answer(Ended { ended: banter.accounts().end_other_sessions(&caller).await? })
}
