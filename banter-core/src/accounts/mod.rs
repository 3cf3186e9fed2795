//! Who is this: sign-in by Firebase, sessions, profile, devices.
//!
//! Promises: a login is a session, and a session can be ended: within five seconds every replica refuses its access
//! token and closes its sockets, without any request having to ask the database. A refresh token that was rotated
//! away ends its session when it is used again. A phone number is seen by its owner only.
//!
//! [`sign_in`] verify and register · [`tokens`] the two JWTs · [`sessions`] refresh, list, end ·
//! [`revocations`] what this replica knows to be over · [`profile`] · [`devices`] ·
//! [`public`] a profile as others see it · [`search`] people by name · [`settings`] who may reach them, and when ·
//! [`location`] · [`deletion`] the end of an account · [`export`] all that is held about somebody ·
//! [`retention`] what is kept how long · [`administration`] what staff may do ·
//! [`overview`] an account as an operator sees it

pub mod administration;
pub mod deletion;
pub mod devices;
pub mod export;
pub mod location;
pub mod overview;
pub mod profile;
pub mod public;
pub mod retention;
pub mod revocations;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod sign_in;
#[cfg(test)]
mod tests;
pub mod tokens;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::error::{self, Coded, Kind, Problems};
use crate::ids::{SessionId, UserId};
use crate::limits;
use crate::payments;
use crate::providers::firebase;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error("this username is taken")]
    UsernameTaken,
    #[error("this e-mail address is in use by another account")]
    EmailTaken,
    #[error("Banter is for people of 18 years and older")]
    TooYoung,
    #[error("this phone number has an account already; sign in instead")]
    AlreadyRegistered,
    #[error("an access token is required")]
    NoToken,
    #[error("the access token has expired; refresh it")]
    TokenExpired,
    #[error("the access token is not valid")]
    TokenInvalid,
    #[error("this login was ended; sign in again")]
    SessionRevoked,
    #[error("this account is suspended")]
    Suspended,
    #[error("this phone was used by somebody who is banned")]
    DeviceBanned,
    #[error("the refresh token is not valid; sign in again")]
    RefreshInvalid,
    #[error("the refresh token was used before; the login was ended, sign in again")]
    RefreshReused,
    #[error("no such login")]
    SessionNotFound,
    #[error("no such person")]
    UserNotFound,
    #[error("nobody is signed in without Firebase in production")]
    OnlyInDevelopment,
    #[error("the Firebase token is of another account")]
    OtherIdentity,
    #[error("sign in to Firebase again: this cannot be done on an old sign-in")]
    SignInTooOld,
    #[error("this account is suspended already, and for ever: it is banned")]
    Banned,
    #[error("this account is not suspended")]
    NotSuspended,
    #[error("this account is deleted")]
    AlreadyDeleted,
    #[error("this is the last admin: make somebody else one first")]
    LastAdmin,
    #[error(transparent)]
    Payments(#[from] payments::Error),
    #[error(transparent)]
    Firebase(#[from] firebase::Error),
    #[error(transparent)]
    TooOften(#[from] limits::Exceeded),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (Kind, &'static str) {
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::UsernameTaken => (Kind::Invalid, "USERNAME_TAKEN"),
            Self::EmailTaken => (Kind::Invalid, "EMAIL_TAKEN"),
            Self::TooYoung => (Kind::Invalid, "AGE_RESTRICTED"),
            Self::AlreadyRegistered => (Kind::Conflict, "ALREADY_REGISTERED"),
            Self::NoToken => (Kind::Unauthenticated, "TOKEN_REQUIRED"),
            Self::TokenExpired => (Kind::Forbidden, "TOKEN_EXPIRED"),
            Self::TokenInvalid => (Kind::Forbidden, "TOKEN_INVALID"),
            Self::SessionRevoked => (Kind::Forbidden, "SESSION_REVOKED"),
            Self::Suspended => (Kind::Forbidden, "ACCOUNT_SUSPENDED"),
            Self::DeviceBanned => (Kind::Forbidden, "DEVICE_BANNED"),
            Self::RefreshInvalid => (Kind::Unauthenticated, "REFRESH_TOKEN_INVALID"),
            Self::RefreshReused => (Kind::Unauthenticated, "REFRESH_TOKEN_REUSED"),
            Self::SessionNotFound => (Kind::NotFound, "SESSION_NOT_FOUND"),
            Self::UserNotFound => (Kind::NotFound, "USER_NOT_FOUND"),
            Self::OnlyInDevelopment => (Kind::Forbidden, "ONLY_IN_DEVELOPMENT"),
            Self::OtherIdentity => (Kind::Unauthenticated, "FIREBASE_TOKEN_MISMATCH"),
            Self::SignInTooOld => (Kind::Unauthenticated, "RECENT_SIGN_IN_REQUIRED"),
            Self::Banned => (Kind::Conflict, "ACCOUNT_BANNED"),
            Self::NotSuspended => (Kind::Conflict, "NOT_SUSPENDED"),
            Self::AlreadyDeleted => (Kind::Conflict, "ACCOUNT_DELETED"),
            Self::LastAdmin => (Kind::Conflict, "LAST_ADMIN"),
            Self::Payments(error) => error.coded(),
            Self::Firebase(error) => error.coded(),
            Self::TooOften(error) => error.coded(),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Firebase(error) => error.retry_after(),
            Self::TooOften(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// What a person may do beyond using the app, each role all that those before may. Which act needs which:
/// [`crate::moderation::roles`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    User,
    Viewer,
    Moderator,
    Senior,
    Admin,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::User, Self::Viewer, Self::Moderator, Self::Senior, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Senior => "senior",
            Self::Admin => "admin",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Gender {
    Male,
    Female,
    Other,
    PreferNotToSay,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    Active,
    Suspended,
    Banned,
    Deleted,
}

impl Status {
    /// A suspension ends by itself.
    pub(crate) fn allows_sign_in(self, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        match self {
            Self::Active => true,
            Self::Suspended => until.is_some_and(|until| until <= now),
            Self::Banned | Self::Deleted => false,
        }
    }
}

/// Who is asking, as their access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub role: Role,
    /// When the access token dies.
    pub expires_at: DateTime<Utc>,
}

/// Somebody as others see them in lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonSummary {
    pub id: UserId,
    pub username: Option<String>,
    pub full_name: String,
    /// URL.
    pub avatar: Option<String>,
}

/// From where somebody asks, for limits by address and the list of logins.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: std::net::IpAddr,
    pub user_agent: Option<String>,
}

/// A fresh pair of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPair {
    pub access: String,
    pub refresh: String,
}

/// The acts of this feature.
#[derive(Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }
}
