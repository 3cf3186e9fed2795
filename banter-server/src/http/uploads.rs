//! What people upload, and fresh links to it.

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::UploadId;
use banter_core::media::uploads::LARGEST;
use banter_core::media::{Kind, Media, Purpose};
use chrono::{DateTime, Utc};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Caller, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// The largest body: a file, and what stands around it in a form.
pub const MAX_FORM: usize = LARGEST as usize + 64 * 1024;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// What it is for: decides what is taken, and who may see it.
    #[param(inline)]
    purpose: Purpose,
}

/// A form with one file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form")]
pub struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What became of the file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    media_id: UploadId,
    /// Where to see it, and what names it in a message.
    media_url: String,
    kind: Kind,
    /// As found in the content.
    content_type: String,
    bytes: i64,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i32>,
    thumbnail_url: Option<String>,
    /// When the links end; null: never.
    expires_at: Option<DateTime<Utc>>,
}

impl From<Media> for Upload {
    fn from(media: Media) -> Self {
        Self {
            media_id: media.id,
            media_url: media.url,
            kind: media.kind,
            content_type: media.content_type,
            bytes: media.bytes,
            width: media.width,
            height: media.height,
            duration_ms: media.duration_ms,
            thumbnail_url: media.thumbnail_url,
            expires_at: media.expires_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct OneMedia {
    media: Media,
}

/// Upload a file
///
/// Judged by its content, never by its name. Pictures (JPEG, PNG, WebP, GIF; 10 MB) are sized down and written anew
/// without metadata; recordings (10 MB, 5 minutes) and films (50 MB) lose what says where they were made. Used in a
/// message, as an avatar or in a verification within a day, or it is removed. A repeat is another upload.
#[utoipa::path(post, path = "/uploads", operation_id = "upload", tag = "Media", params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"), security(("bearer" = [])),
    responses((status = OK, body = Answer<Upload>), Refusal))]
pub async fn upload(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Outcome<Upload> {
    let mut form = form(request).await?;
    let file = file(&mut form).await?;
    let pieces = stream::try_unfold(file, async |mut file: Field<'_>| {
        Ok::<_, MultipartError>(file.chunk().await?.map(|piece: Bytes| (piece, file)))
    });
    let media = banter.media().upload(&caller, query.purpose, Box::pin(pieces)).await?;
    answer(media.into())
}

/// A fresh link to an upload
#[utoipa::path(get, path = "/media/{id}", operation_id = "getMedia", tag = "Media", security(("bearer" = [])),
    params(("id" = UploadId, Path, description = "`mediaId`")),
    responses((status = OK, body = Answer<OneMedia>), Refusal))]
pub async fn one(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<UploadId>,
) -> Outcome<OneMedia> {
    answer(OneMedia { media: banter.media().one(&caller, id).await? })
}

async fn form(request: Request) -> Result<Multipart, ApiError> {
    Multipart::from_request(request, &()).await.map_err(|_| {
        ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "send the file as multipart/form-data",
        )
    })
}

/// The first part that is a file; what stands before it is read over.
async fn file(form: &mut Multipart) -> Result<Field<'_>, ApiError> {
    // Not a loop over fields that returns one: the borrow of the last would outlive the loop.
    let field = form.next_field().await.map_err(|error| broken(&error))?;
    field
        .filter(|field| field.file_name().is_some() || field.name() == Some("file"))
        .ok_or_else(|| ApiError::field("file", "must be the first part of the form"))
}

fn broken(error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "FILE_TOO_LARGE",
            format!("the file is larger than {} MB", LARGEST >> 20),
        ),
        StatusCode::BAD_REQUEST => {
            ApiError::new(StatusCode::BAD_REQUEST, "VALIDATION_FAILED", "the form is malformed or broke off")
        }
        _ => ApiError::internal(error.body_text()),
    }
}
