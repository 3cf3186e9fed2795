//! What outside services tell us. No user speaks here: whoever signs is believed, and the body is read byte for byte.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use banter_core::Banter;

use super::error::ApiError;
use super::extract::read_up_to;
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

/// The largest event that is taken. They are a few kilobytes.
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

/// Events of the payment provider
///
/// For Razorpay alone: `X-Razorpay-Signature` is the HMAC-SHA256 of the body's bytes by the webhook's secret, in lower-case
/// hexadecimal; `x-razorpay-event-id` is the same for each delivery of an event. An event is stored before it is answered,
/// and applied right after; one that came before is answered the same, and nothing follows.
#[utoipa::path(post, path = "/webhooks/razorpay", operation_id = "hearRazorpay", tag = "Webhooks",
    request_body(content = String, content_type = "application/json", description = "An event, at most 64 KiB"),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn razorpay(State(banter): State<Banter>, headers: HeaderMap, body: Body) -> Outcome<Done> {
    let body = read_up_to(body, LARGEST).await?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = text("x-razorpay-signature").unwrap_or_default();
    banter.payments().hear(signature, text("x-razorpay-event-id"), &body).await?;
    answer(Done {})
}
