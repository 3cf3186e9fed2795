//! What people upload, and who may see it.
//!
//! An upload is a row and one object or two (the second a thumbnail). The row is written first, doomed to an end in an
//! hour; then the objects; then the doom is lifted: whatever dies in between, [`crate::jobs::collect`] finds it.
//! Nothing is believed about a file but its content. Pictures are decoded and written anew, so that nothing but pixels
//! comes through; recordings keep their samples, and lose everything beside them that could say where they were made.
//!
//! [`uploads`] a body becomes an upload · [`content`] what it is · [`pictures`] · [`recordings`] · [`scrub`] what is
//! blanked in a recording · [`links`] who gets which link, for how long · [`avatar`] · `cover` of a room ·
//! [`verification`]
//!
//! Avatars and room covers are public under a URL that never changes; everything else is private, behind links that
//! end within the hour.

pub mod avatar;
mod content;
mod cover;
pub mod links;
mod pictures;
mod recordings;
mod scrub;
#[cfg(test)]
mod tests;
pub mod uploads;
pub mod verification;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::Banter;
use crate::accounts::administration::turn;
use crate::error::{self, Coded, Problems};
use crate::ids::{UploadId, UserId};
use crate::limits::Exceeded;
use crate::providers::storage;

/// What an upload turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = MediaKind)]
pub enum Kind {
    Image,
    Gif,
    Audio,
    Video,
}

/// What an upload is for; it decides who may see it, and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "text", rename_all = "kebab-case")]
pub enum Purpose {
    Chat,
    Voice,
    Avatar,
    RoomCover,
    Verification,
}

impl Purpose {
    pub const ALL: [Self; 5] = [Self::Chat, Self::Voice, Self::Avatar, Self::RoomCover, Self::Verification];

    /// As in a URL.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Voice => "voice",
            Self::Avatar => "avatar",
            Self::RoomCover => "room-cover",
            Self::Verification => "verification",
        }
    }

    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.slug() == slug)
    }

    /// Anybody who has its link may see it, for ever.
    pub fn is_public(self) -> bool {
        match self {
            Self::Avatar | Self::RoomCover => true,
            Self::Chat | Self::Voice | Self::Verification => false,
        }
    }

    fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Chat => true,
            Self::Voice => kind == Kind::Audio,
            Self::Avatar | Self::RoomCover | Self::Verification => kind == Kind::Image,
        }
    }

    /// Pixels on the longer side of a picture.
    fn longest_side(self) -> u32 {
        match self {
            Self::Avatar => 512,
            Self::RoomCover => 1280,
            Self::Chat | Self::Voice | Self::Verification => 2048,
        }
    }

    /// An object never changes. What is private must not stay in caches that others read.
    pub fn cache_control(self) -> &'static str {
        if self.is_public() {
            "public, max-age=31536000, immutable"
        } else {
            "private, max-age=2700, immutable"
        }
    }
}

/// An upload as its row tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub id: UploadId,
    pub purpose: Purpose,
    pub kind: Kind,
    pub content_type: String,
    pub bytes: i64,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub duration_ms: Option<i32>,
    pub object_key: String,
    pub thumbnail_key: Option<String>,
}

/// An upload as somebody who may see it gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    pub id: UploadId,
    pub kind: Kind,
    pub content_type: String,
    pub bytes: i64,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub duration_ms: Option<i32>,
    pub url: String,
    pub thumbnail_url: Option<String>,
    /// When the links end; null: never.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Invalid(Problems),
    #[error(transparent)]
    TooOften(#[from] Exceeded),
    #[error("the file is larger than {} MB", .0 >> 20)]
    TooLarge(u64),
    #[error("this kind of file is not taken here")]
    Unsupported,
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    #[error("the recording is longer than {} minutes", .0 / 60_000)]
    TooLong(i64),
    #[error("the picture is too large: {0}")]
    TooManyPixels(&'static str),
    #[error("the upload broke off")]
    BrokenOff,
    #[error("you have uploaded {} MB today, which is the most", .0 >> 20)]
    Quota(u64),
    #[error("too many uploads are under way; try again in a moment")]
    Busy,
    #[error("this account has been deleted")]
    AccountGone,
    #[error("no such upload")]
    NotFound,
    #[error("this link was not made by us")]
    LinkInvalid,
    #[error("this link has expired; ask for a new one")]
    LinkExpired,
    #[error("a moderator is looking at your documents already")]
    VerificationPending,
    #[error("you are verified already")]
    AlreadyVerified,
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("a file could not be used: {0}")]
    Disk(#[from] std::io::Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Coded for Error {
    fn coded(&self) -> (error::Kind, &'static str) {
        use error::Kind;
        match self {
            Self::Invalid(_) => (Kind::Invalid, "VALIDATION_FAILED"),
            Self::TooOften(exceeded) => exceeded.coded(),
            Self::TooLarge(_) => (Kind::TooLarge, "FILE_TOO_LARGE"),
            Self::Unsupported => (Kind::Unsupported, "UNSUPPORTED_MEDIA_TYPE"),
            Self::Damaged(_) => (Kind::Invalid, "MEDIA_INVALID"),
            Self::TooLong(_) => (Kind::Invalid, "MEDIA_TOO_LONG"),
            Self::TooManyPixels(_) => (Kind::Invalid, "IMAGE_TOO_LARGE"),
            Self::BrokenOff => (Kind::Invalid, "BODY_INCOMPLETE"),
            Self::Quota(_) => (Kind::TooMany, "UPLOAD_QUOTA_EXCEEDED"),
            Self::Busy => (Kind::Unavailable, "UPLOADS_BUSY"),
            Self::AccountGone => (Kind::Forbidden, "SESSION_REVOKED"),
            Self::NotFound => (Kind::NotFound, "MEDIA_NOT_FOUND"),
            Self::LinkInvalid => (Kind::Forbidden, "MEDIA_LINK_INVALID"),
            Self::LinkExpired => (Kind::Forbidden, "MEDIA_LINK_EXPIRED"),
            Self::VerificationPending => (Kind::Conflict, "VERIFICATION_PENDING"),
            Self::AlreadyVerified => (Kind::Conflict, "ALREADY_VERIFIED"),
            Self::Storage(storage::Error::Missing) => (Kind::NotFound, "MEDIA_NOT_FOUND"),
            Self::Storage(storage::Error::Range) => (Kind::Invalid, "RANGE_NOT_SATISFIABLE"),
            Self::Storage(_) => (Kind::Unavailable, "STORAGE_UNAVAILABLE"),
            Self::Disk(_) => (Kind::Internal, "INTERNAL"),
            Self::Database(error) => error::database(error),
        }
    }

    fn problems(&self) -> Option<&Problems> {
        if let Self::Invalid(problems) = self { Some(problems) } else { None }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooOften(exceeded) => exceeded.retry_after(),
            Self::Quota(_) => Some(3600),
            Self::Busy => Some(5),
            _ => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

#[derive(Clone, Copy)]
pub struct MediaStore<'a>(pub(crate) &'a Banter);

impl Banter {
    pub fn media(&self) -> MediaStore<'_> {
        MediaStore(self)
    }
}

/// What changes somebody's uploads begins with this: the end of an account is before it, and then there is nobody to
/// change them for, or after it, and then finds them. Rows are locked as that locks them: uploads first, the person last.
async fn own_turn(db: &mut PgConnection, user: UserId) -> Result<(), Error> {
    turn(db, user).await?;
    let there = sqlx::query_scalar!(
        r#"select exists (select from users where id = $1 and status <> 'deleted') as "there!""#,
        user.0,
    )
    .fetch_one(db)
    .await?;
    if there { Ok(()) } else { Err(Error::AccountGone) }
}

/// The upload that a link of ours names: the file's name is its id, whatever stands around it.
pub fn named_by(url: &str) -> Option<UploadId> {
    let path = url.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    file.split('.').next()?.parse().ok()
}
