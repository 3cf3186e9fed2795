//! The caller's own account.

use std::future::ready;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use banter_core::Banter;
use banter_core::accounts::devices::Platform;
use banter_core::accounts::profile::{Profile, ProfileChange};
use banter_core::accounts::{Gender, Role};
use banter_core::ids::{UploadId, UserId};
use banter_core::media::avatar;
use banter_core::media::verification::Verification;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Body, Caller, Client, Query, present};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

/// Everything on the account that its owner sees.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    id: UserId,
    phone_number: Option<String>,
    email: Option<String>,
    username: Option<String>,
    full_name: String,
    avatar: Option<String>,
    bio: Option<String>,
    gender: Option<Gender>,
    date_of_birth: Option<NaiveDate>,
    language: String,
    is_verified: bool,
    /// The badge: the staff has seen who they are.
    is_identity_verified: bool,
    role: Role,
    interests: Vec<String>,
    looking_for: Vec<String>,
    coins: i32,
    is_premium: bool,
    premium_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Profile> for Me {
    fn from(profile: Profile) -> Self {
        Self {
            id: profile.id,
            phone_number: profile.phone_number.map(|number| number.as_str().to_owned()),
            email: profile.email,
            username: profile.username,
            full_name: profile.full_name,
            avatar: profile.avatar,
            bio: profile.bio,
            gender: profile.gender,
            date_of_birth: profile.date_of_birth,
            language: profile.language,
            is_verified: profile.is_verified,
            is_identity_verified: profile.is_identity_verified,
            role: profile.role,
            interests: profile.interests,
            looking_for: profile.looking_for,
            coins: profile.coins,
            is_premium: profile.is_premium,
            premium_until: profile.premium_until,
            created_at: profile.created_at,
        }
    }
}

/// What to change; absent fields stay, null clears where it is allowed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeMe {
    #[schema(min_length = 2, max_length = 50)]
    full_name: Option<String>,
    #[schema(pattern = "^[A-Za-z0-9_]{3,20}$")]
    username: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    bio: Option<Option<String>>,
    gender: Option<Gender>,
    /// ISO 639.
    #[schema(example = "hi", pattern = "^[a-z]{2,3}$")]
    language: Option<String>,
    #[schema(max_items = 20)]
    interests: Option<Vec<String>>,
    #[schema(max_items = 10)]
    looking_for: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
pub struct Changed {
    user: Me,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsernameQuery {
    /// 3 to 20 letters, digits or underscores.
    username: String,
}

#[derive(Serialize, ToSchema)]
pub struct Availability {
    available: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    #[schema(max_length = 4096)]
    fcm_token: String,
    platform: Platform,
}

/// Change my profile
#[utoipa::path(patch, path = "/users/me", operation_id = "changeMe", tag = "Accounts", request_body = ChangeMe, security(("bearer" = [])),
    responses((status = OK, body = Answer<Changed>), Refusal))]
pub async fn change_me(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<ChangeMe>,
) -> Outcome<Changed> {
    let change = ProfileChange {
        full_name: body.full_name,
        username: body.username,
        email: body.email,
        bio: body.bio,
        gender: body.gender,
        language: body.language,
        interests: body.interests,
        looking_for: body.looking_for,
    };
    answer(Changed { user: banter.accounts().change_profile(&caller, change).await?.into() })
}

/// Could I take this username?
#[utoipa::path(get, path = "/users/username-available", operation_id = "isUsernameAvailable", tag = "Accounts", params(UsernameQuery),
    security(("bearer" = [])), responses((status = OK, body = Answer<Availability>), Refusal))]
pub async fn username_available(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<UsernameQuery>,
) -> Outcome<Availability> {
    answer(Availability { available: banter.accounts().username_available(&caller, &query.username).await? })
}

/// This login's push token
#[utoipa::path(put, path = "/users/me/device", operation_id = "putDevice", tag = "Accounts", request_body = Device, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn put_device(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<Device>,
) -> Outcome<Done> {
    banter.accounts().put_device(&caller, &body.fcm_token, body.platform).await?;
    answer(Done {})
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Farewell {
    /// A Firebase ID token of a sign-in within the last ten minutes.
    firebase_token: String,
}

/// End my account, for good
///
/// Everything that says who it was is removed at once, every login ends, and the phone number can register again. What
/// stays, and why, is told in docs/data-retention.md.
#[utoipa::path(delete, path = "/users/me", operation_id = "deleteMe", tag = "Accounts", request_body = Farewell, security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn delete_me(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Client(client): Client,
    Body(body): Body<Farewell>,
) -> Outcome<Done> {
    banter.accounts().delete(&caller, &body.firebase_token, &client).await?;
    answer(Done {})
}

/// All that is held about the caller. Core streams it; this is its shape.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the document alone")]
pub struct Export {
    exported_at: DateTime<Utc>,
    #[schema(value_type = Object)]
    account: (),
    #[schema(value_type = Option<Object>)]
    settings: (),
    #[schema(value_type = Option<Object>)]
    location: (),
    #[schema(value_type = Vec<Object>)]
    logins: (),
    #[schema(value_type = Vec<Object>)]
    devices: (),
    #[schema(value_type = Vec<Object>)]
    friends: (),
    #[schema(value_type = Vec<Object>)]
    friend_requests: (),
    #[schema(value_type = Vec<Object>)]
    blocks: (),
    #[schema(value_type = Vec<Object>)]
    conversations: (),
    /// Those the caller is in now.
    #[schema(value_type = Vec<Object>)]
    rooms: (),
    /// What the caller sent, wherever.
    #[schema(value_type = Vec<Object>)]
    messages: (),
    #[schema(value_type = Vec<Object>)]
    uploads: (),
    #[schema(value_type = Vec<Object>)]
    verifications: (),
    #[schema(value_type = Vec<Object>)]
    calls: (),
    #[schema(value_type = Vec<Object>)]
    notifications: (),
    #[schema(value_type = Vec<Object>)]
    coin_ledger: (),
    #[schema(value_type = Vec<Object>)]
    transactions: (),
    #[schema(value_type = Vec<Object>)]
    subscriptions: (),
    /// Those the caller gave, and those they got.
    #[schema(value_type = Vec<Object>)]
    gifts: (),
    /// Those the caller filed.
    #[schema(value_type = Vec<Object>)]
    reports: (),
    /// What staff did about the account.
    #[schema(value_type = Vec<Object>)]
    moderation: (),
    /// What was held against the caller, with their appeals.
    #[schema(value_type = Vec<Object>)]
    sanctions: (),
}

/// Download all that is held about me
///
/// One file of JSON, three times a day at most. It comes piece by piece; a connection that breaks off leaves a file that
/// is no JSON.
#[utoipa::path(get, path = "/users/me/export", operation_id = "exportMe", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Export>), Refusal))]
pub async fn export_me(State(banter): State<Banter>, Caller(caller): Caller) -> Result<Response, ApiError> {
    let document = banter.accounts().export(&caller).await?;
    let name = format!("banter-export-{}.json", banter.clock().now().format("%Y-%m-%d"));
    let open = stream::once(ready(Ok("{\"success\":true,\n".to_owned())));
    let close = stream::once(ready(Ok("\n}\n".to_owned())));
    // What breaks off is told here: the status has long been sent.
    let document = open.chain(document).chain(close).inspect_err(|error| {
        tracing::error!(?error, "an export broke off");
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, axum::body::Body::from_stream(document)).into_response())
}

/// An upload for `avatar`: one of the two names it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Avatar {
    media_id: Option<UploadId>,
    #[schema(max_length = 2048)]
    media_url: Option<String>,
}

/// Take an upload for my picture
#[utoipa::path(put, path = "/users/me/avatar", operation_id = "putAvatar", tag = "Accounts", request_body = Avatar, security(("bearer" = [])),
    responses((status = OK, body = Answer<Changed>), Refusal))]
pub async fn put_avatar(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<Avatar>,
) -> Outcome<Changed> {
    let upload = avatar::named(body.media_id, body.media_url.as_deref())?;
    banter.media().set_avatar(&caller, upload).await?;
    answer(Changed { user: banter.accounts().profile(caller.user_id).await?.into() })
}

/// Have no picture
#[utoipa::path(delete, path = "/users/me/avatar", operation_id = "deleteAvatar", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Changed>), Refusal))]
pub async fn delete_avatar(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<Changed> {
    banter.media().clear_avatar(&caller).await?;
    answer(Changed { user: banter.accounts().profile(caller.user_id).await?.into() })
}

/// Links to two uploads for `verification`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskVerification {
    #[schema(max_length = 2048)]
    document_media_url: String,
    #[schema(max_length = 2048)]
    selfie_media_url: String,
}

#[derive(Serialize, ToSchema)]
pub struct VerificationAsked {
    verification: Verification,
}

/// The newest request; null when there was none.
#[derive(Serialize, ToSchema)]
pub struct NewestVerification {
    verification: Option<Verification>,
}

/// Ask to be verified
///
/// With a document and a selfie, which only moderators see.
#[utoipa::path(post, path = "/users/me/verification", operation_id = "askVerification", tag = "Accounts", request_body = AskVerification,
    security(("bearer" = [])), responses((status = OK, body = Answer<VerificationAsked>), Refusal))]
pub async fn ask_verification(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<AskVerification>,
) -> Outcome<VerificationAsked> {
    let asked =
        banter.media().ask_verification(&caller, &body.document_media_url, &body.selfie_media_url).await?;
    answer(VerificationAsked { verification: asked })
}

/// How my verification stands
#[utoipa::path(get, path = "/users/me/verification", operation_id = "getVerification", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<NewestVerification>), Refusal))]
pub async fn verification(
    State(banter): State<Banter>,
    Caller(caller): Caller,
) -> Outcome<NewestVerification> {
    answer(NewestVerification { verification: banter.media().verification(&caller).await? })
}
