//! What people upload, and fresh links to it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::StatusCode;
use banter_core::Banter;
use banter_core::ids::UploadId;
use banter_core::media::uploads::LARGEST;
use banter_core::media::{self, Kind, Media, Purpose};
use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::extract::{Caller, Path, Query};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// The largest body: a file, and what stands around it in a form.
pub const MAX_FORM: usize = LARGEST as usize + 64 * 1024;

/// What may stand in front of the file in a form, in bytes; and how long it may take to come.
const MOST_HEAD: usize = 16 * 1024;
const SILENCE: Duration = Duration::from_secs(30);
/// How often the form's reader is asked again whether it has found the file, once it has had so much.
const CHANCES: usize = 3;

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
    let opened = Arc::new(AtomicBool::new(false));
    let mut form = form(request, &opened).await?;
    // From here on it costs something: nothing of the body has been read.
    let admitted = banter.media().admit(&caller, query.purpose).await?;
    let file = timeout(SILENCE, file(&mut form)).await.map_err(|_| media::Error::BrokenOff)??;
    opened.store(true, Ordering::Relaxed);
    let pieces = stream::try_unfold(file, async |mut file: Field<'_>| {
        Ok::<_, MultipartError>(file.chunk().await?.map(|piece: Bytes| (piece, file)))
    });
    let media = admitted.take(Box::pin(pieces)).await?;
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

async fn form(request: Request, opened: &Arc<AtomicBool>) -> Result<Multipart, ApiError> {
    let request = request.map(|body| {
        let body = body.into_data_stream();
        Body::from_stream(Opening { body, opened: Arc::clone(opened), bytes: 0, chances: CHANCES })
    });
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
        // Also what the form's reader takes for a failure of ours: that of a connection.
        _ => {
            ApiError::new(StatusCode::BAD_REQUEST, "VALIDATION_FAILED", "the form is malformed or broke off")
        }
    }
}

/// A body of which not much is given out until somebody says that the file in it has been found: the form's reader keeps
/// whatever comes before that, and searches all of it anew for each piece.
struct Opening {
    body: BodyDataStream,
    opened: Arc<AtomicBool>,
    bytes: usize,
    chances: usize,
}

impl Stream for Opening {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let waits = !self.opened.load(Ordering::Relaxed);
        if waits && self.bytes > MOST_HEAD {
            if self.chances == 0 {
                return Poll::Ready(Some(Err("no file is in sight".into())));
            }
            // The last piece was large: the file may be in it. The reader looks when nothing more is there to be had.
            self.chances -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(Pin::new(&mut self.body).poll_next(context));
        if let Some(Ok(piece)) = &piece {
            self.bytes = self.bytes.saturating_add(piece.len());
        }
        Poll::Ready(piece.map(|piece| piece.map_err(Into::into)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a form whose body is these pieces, and then nothing for ever.
    async fn begun(pieces: Vec<Vec<u8>>) -> Result<(), StatusCode> {
        let pieces =
            stream::iter(pieces.into_iter().map(|piece| Ok::<_, axum::BoxError>(Bytes::from(piece))));
        let body = Body::from_stream(futures_util::StreamExt::chain(pieces, stream::pending()));
        let request = Request::builder().header("content-type", "multipart/form-data; boundary=x");
        let opened = Arc::new(AtomicBool::new(false));
        let mut form = form(request.body(body).expect("a request"), &opened).await.expect("a form");
        let found = timeout(Duration::from_secs(1), file(&mut form)).await;
        found.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map(|_| ()).map_err(|error| error.status)
    }

    #[tokio::test]
    async fn a_form_must_soon_come_to_its_file() {
        let head = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let large = vec![b'y'; 100_000];
        let many = |piece: &[u8]| vec![piece.to_vec(); 100];
        let opening = |before: &[u8]| vec![before.to_vec(), [head.as_slice(), &large].concat()];
        for (name, pieces, outcome) in [
            ("at once", vec![head.to_vec()], Ok(())),
            ("in a large piece", vec![[head.as_slice(), &large].concat()], Ok(())),
            ("after a line", opening(b"hello\r\n"), Ok(())),
            ("half of its boundary first", vec![b"--".to_vec(), [&head[2..], &large].concat()], Ok(())),
            ("byte for byte", head.iter().map(|byte| vec![*byte]).collect(), Ok(())),
            ("never", many(&[b'y'; 1000]), Err(StatusCode::BAD_REQUEST)),
            ("never, in large pieces", many(&large), Err(StatusCode::BAD_REQUEST)),
            (
                "a head without an end",
                [vec![head[..30].to_vec()], many(&[b'y'; 1000])].concat(),
                Err(StatusCode::BAD_REQUEST),
            ),
            (
                "padding without an end",
                [vec![b"--x".to_vec()], many(&[b' '; 1000])].concat(),
                Err(StatusCode::BAD_REQUEST),
            ),
            ("silence", vec![head[..30].to_vec()], Err(StatusCode::REQUEST_TIMEOUT)),
        ] {
            assert_eq!(begun(pieces).await, outcome, "{name}");
        }
    }
}
