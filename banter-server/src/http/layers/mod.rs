//! What every request passes, outermost first: CORS, [`observe`] (id, log, metrics, the body of errors), compression,
//! [`finish`] (deadline and panics), [`limit`] (who asks, and how often), and for POSTs [`idempotency`].

pub mod idempotency;
pub mod limit;
pub mod observe;

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument as _;

use super::error::ApiError;
use crate::patience::Patience;

/// Runs the request to its end even when the client goes away, so that what was stored is also told; ends one that
/// takes too long; and makes a panic a 500 like any other.
pub async fn finish(State(patience): State<Patience>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let deadline = if route.ends_with("/uploads") { patience.upload } else { patience.request };
    // The deadline stands inside the task: it holds for work whose client is gone as well.
    match tokio::spawn(tokio::time::timeout(deadline, next.run(request)).in_current_span()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => ApiError::timeout().into_response(),
        Err(broken) => ApiError::internal(format!("the handler broke: {broken}")).into_response(),
    }
}

/// Origins of `ALLOWED_ORIGINS`, with `*` as a wildcard.
pub fn cors(allowed: &[String]) -> CorsLayer {
    let allowed = allowed.to_vec();
    let origin = AllowOrigin::predicate(move |origin: &HeaderValue, _| {
        origin.to_str().is_ok_and(|origin| allowed.iter().any(|pattern| matches(pattern, origin)))
    });
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(
            ["authorization", "content-type", "idempotency-key", "x-request-id"].map(HeaderName::from_static),
        )
        .expose_headers(
            [
                "x-request-id",
                "retry-after",
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-reset",
                "idempotency-replayed",
            ]
            .map(HeaderName::from_static),
        )
        .max_age(Duration::from_secs(600))
}

/// Does the origin fit the pattern? A `*` stands for any run of characters but `/`.
fn matches(pattern: &str, origin: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| origin.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        if rest[..at].contains('/') {
            return false;
        }
        rest = &rest[at + part.len()..];
    }
    rest.strip_suffix(last).is_some_and(|wild| !wild.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn origins_fit_their_patterns_and_no_others() {
        for (pattern, origin) in [
            ("http://localhost:8081", "http://localhost:8081"),
            ("exp://192.168.1.*", "exp://192.168.1.17:8081"),
            ("https://*.banter.app", "https://staging.banter.app"),
            ("*", "null"),
        ] {
            assert!(matches(pattern, origin), "{pattern} {origin}");
        }
        for (pattern, origin) in [
            ("http://localhost:8081", "http://localhost:80811"),
            ("https://*.banter.app", "https://banter.app.evil.com"),
            ("https://*.banter.app", "https://evil.com/.banter.app"),
            ("https://*.banter.app", "http://x.banter.app"),
            ("", "http://localhost"),
        ] {
            assert!(!matches(pattern, origin), "{pattern} {origin}");
        }
    }
}
