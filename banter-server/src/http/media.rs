//! Gives out uploads that lie on the local disk, in development. With Azure there is no such route: links lead there.

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use banter_core::Banter;
use banter_core::media::links::{File, Range};
use banter_core::media::{Error, Purpose};
use serde::Deserialize;

use super::error::ApiError;
use super::extract::Query;

/// What a private link bears.
#[derive(Deserialize)]
pub struct Signed {
    expires: Option<i64>,
    signature: Option<String>,
}

/// `/media/{purpose}/{name}`: the link is all it takes. Nothing here runs in a browser, whatever is in the file.
pub async fn file(
    State(banter): State<Banter>,
    path: RawPathParams,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let part = |name: &str| path.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
    let name = part("name");
    let purpose = Purpose::from_slug(part("purpose")).ok_or(Error::NotFound)?;
    let file = File { purpose, name, expires: signed.expires, signature: signed.signature.as_deref() };
    // A file never changes under its name, so the name is its tag.
    let tag = format!("\"{name}\"");
    let text = |header: header::HeaderName| headers.get(header).and_then(|value| value.to_str().ok());
    let range = text(header::RANGE)
        .filter(|_| text(header::IF_RANGE).is_none_or(|only| only == tag))
        .and_then(Range::parse);
    let found = match banter.media().open(file, range).await {
        Ok(found) => found,
        Err(Error::Storage(banter_core::providers::storage::Error::Range)) => {
            return Err(ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "RANGE_NOT_SATISFIABLE",
                "the file has no such bytes",
            ));
        }
        Err(error) => return Err(error.into()),
    };
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| {
        tags == "*" || tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Response::default() };
    let bytes = found.opened.range;
    let part = bytes.end - bytes.start < found.opened.size;
    let set = response.headers_mut();
    set.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(|e| ApiError::internal(e.to_string()))?);
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(found.cache_control));
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(found.content_type));
    set.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if known {
        return Ok(response);
    }
    set.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.end - bytes.start));
    if part {
        let range = format!("bytes {}-{}/{}", bytes.start, bytes.end.saturating_sub(1), found.opened.size);
        set.insert(header::CONTENT_RANGE, range.parse().expect("digits"));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    *response.body_mut() = Body::from_stream(found.opened.bytes);
    Ok(response)
}
