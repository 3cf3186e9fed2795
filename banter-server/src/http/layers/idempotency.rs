//! `Idempotency-Key` on a POST of somebody signed in: the same key and request get the first answer again.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use banter_core::Banter;
use banter_core::idempotency::{self, Answer};
use sha2::{Digest as _, Sha256};

use crate::http::error::ApiError;
use crate::http::extract::{Authentication, read};

const HEADER: &str = "idempotency-key";

pub async fn idempotency(State(banter): State<Banter>, request: Request, next: Next) -> Response {
    let caller =
        request.extensions().get::<Authentication>().and_then(|found| found.0.as_ref().ok()).copied();
    let key = request.headers().get(HEADER).cloned();
    let (Some(caller), Some(key), &Method::POST) = (caller, key, request.method()) else {
        return next.run(request).await;
    };
    match answer_once(&banter, &caller, &key, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer_once(
    banter: &Banter,
    caller: &banter_core::accounts::Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = key.to_str().unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = read(body).await?;
    let fingerprint =
        Sha256::new().chain_update(parts.uri.path()).chain_update([0]).chain_update(&body).finalize();
    if let Some(answer) = banter.idempotency().begin(caller, key, &fingerprint).await? {
        return Ok(replay(answer));
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // An error has no body yet, and need not be kept: the rule that refused will refuse again. One of ours leaves open
    // whether the work was done, so the claim stays for its minute.
    if let Some(error) = response.extensions().get::<ApiError>() {
        if error.status.is_server_error() {
            return Ok(response);
        }
        noted("given back", banter.idempotency().release(caller, key).await);
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body: Bytes =
        axum::body::to_bytes(body, 1 << 20).await.map_err(|e| ApiError::internal(e.to_string()))?;
    let answer = Answer { status: parts.status.as_u16(), body: body.to_vec() };
    noted("kept", banter.idempotency().keep(caller, key, &answer).await);
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The request is answered as it went: what was done must not be told as a failure because its answer was not kept.
fn noted(what: &str, outcome: Result<(), idempotency::Error>) {
    if let Err(error) = outcome {
        tracing::warn!(?error, "an Idempotency-Key could not be {what}; it is free again in a minute");
    }
}

fn replay(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [(header::CONTENT_TYPE.as_str(), "application/json"), ("idempotency-replayed", "true")];
    (status, headers, answer.body).into_response()
}
