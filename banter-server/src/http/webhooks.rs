//! What outside services tell us. No user speaks here: whoever signs is believed, and the body is read byte for byte.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use banter_core::Banter;

use super::error::ApiError;
use super::extract::read_up_to;
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

/// The largest event that is taken. LiveKit's are a few kilobytes.
const LARGEST: usize = 64 * 1024;

/// Events of the media server
///
/// For LiveKit alone: `Authorization` is a token signed with its API secret, over the body's SHA-256.
#[utoipa::path(post, path = "/webhooks/livekit", operation_id = "hearLiveKit", tag = "Webhooks",
    request_body(content = String, content_type = "application/webhook+json", description = "A `WebhookEvent`, at most 64 KiB"),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn livekit(State(banter): State<Banter>, headers: HeaderMap, body: Body) -> Outcome<Done> {
    let body = read_up_to(body, LARGEST).await?;
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str()).transpose();
    let authorization = authorization.map_err(|_| {
        ApiError::new(StatusCode::UNAUTHORIZED, "WEBHOOK_SIGNATURE_INVALID", "the header is not text")
    })?;
    banter.voice().hear(authorization.unwrap_or_default(), &body).await?;
    answer(Done {})
}
