//! The outermost layer: gives the request an id, writes its line in the log, measures it, and gives an error its
//! body.

use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use banter_core::Banter;
use tracing::Instrument as _;

use crate::http::error::{ApiError, ErrorBody};

const HEADER: &str = "x-request-id";

/// Takes the id that a proxy or client gave, if it is a plain token; a new one otherwise.
pub async fn observe(State(banter): State<Banter>, request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| plain(id));
    let id = given.map_or_else(|| banter.ids().uuid(banter.clock().now()).to_string(), str::to_owned);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let span = tracing::info_span!("request", id, %method, route);

    let mut response = next.run(request).instrument(span.clone()).await;
    let error = response.extensions_mut().remove::<ApiError>();
    let took = started.elapsed();
    span.in_scope(|| log(response.status().as_u16(), took, error.as_ref()));
    metrics::histogram!(
        "http_server_request_duration_seconds",
        "method" => known(&method),
        "route" => route,
        "status" => response.status().as_u16().to_string(),
    )
    .record(took.as_secs_f64());

    if let Some(error) = error {
        let body = ErrorBody {
            success: false,
            code: error.code,
            details: error.details(),
            message: error.message,
            request_id: id.clone(),
        };
        let mut full = (response.status(), Json(body)).into_response();
        full.headers_mut().extend(std::mem::take(response.headers_mut()).into_iter().filter_map(
            |(name, value)| {
                // The empty answer's own length and type are not the body's.
                name.filter(|name| !matches!(name.as_str(), "content-length" | "content-type"))
                    .map(|name| (name, value))
            },
        ));
        response = full;
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// The method as a label: whoever asks chooses it, and a label's values must not be for them to choose.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn log(status: u16, took: std::time::Duration, error: Option<&ApiError>) {
    let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    match error {
        Some(ApiError { internal: Some(why), code, .. }) => tracing::error!(status, code, ms, why, "failed"),
        Some(error) => tracing::info!(status, code = error.code, ms, "refused"),
        None => tracing::debug!(status, ms, "answered"),
    }
}

fn plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_a_label() {
        assert_eq!(known(&Method::PATCH), "PATCH");
        for invented in ["AAAA1", "AAAA2", "get", "TRACE"] {
            assert_eq!(known(&Method::from_bytes(invented.as_bytes()).unwrap()), "_OTHER");
        }
    }
}
