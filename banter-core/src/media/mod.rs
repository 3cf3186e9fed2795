//! What people upload, and who may see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Banter;
use crate::ids::UploadId;

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

#[derive(Clone, Copy)]
pub struct MediaStore<'a>(&'a Banter);

impl Banter {
    pub fn media(&self) -> MediaStore<'_> {
        MediaStore(self)
    }
}

impl MediaStore<'_> {
    /// Links for somebody who was found to be allowed to see it. No network.
    pub(crate) async fn view(&self, stored: Stored) -> Media {
        let public = &self.0.config().http.public_url;
        let url = |key: &str| format!("{public}/media/{key}");
        Media {
            url: url(&stored.object_key),
            thumbnail_url: stored.thumbnail_key.as_deref().map(url),
            id: stored.id,
            kind: stored.kind,
            content_type: stored.content_type,
            bytes: stored.bytes,
            width: stored.width,
            height: stored.height,
            duration_ms: stored.duration_ms,
            expires_at: None,
        }
    }
}

/// The upload that a link of ours names: the file's name is its id, whatever stands around it.
pub fn named_by(url: &str) -> Option<UploadId> {
    let path = url.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    file.split('.').next()?.parse().ok()
}
