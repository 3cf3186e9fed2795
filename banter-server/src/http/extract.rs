//! How requests are read. Each extractor refuses in the house's error shape.

use std::net::{IpAddr, SocketAddr};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use banter_core::page::{DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
use banter_core::{Banter, accounts};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::error::ApiError;

/// The largest JSON body; uploads have a route of their own.
pub const MAX_BODY: usize = 256 * 1024;

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "send the body as application/json",
            ));
        }
        let bytes = read(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

/// The whole body, up to [`MAX_BODY`].
pub async fn read(body: axum::body::Body) -> Result<Bytes, ApiError> {
    read_up_to(body, MAX_BODY).await
}

/// The whole body, up to so many bytes.
pub async fn read_up_to(body: axum::body::Body, most: usize) -> Result<Bytes, ApiError> {
    use http_body_util::{BodyExt as _, LengthLimitError, Limited};
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {most} bytes");
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message))
        }
        Err(_) => Err(ApiError::new(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", "the body broke off")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Checked here, because serde does not look into fields that nobody asked for.
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // Where the text itself is broken there is no field to name.
        if inner.is_data() && path != "." {
            ApiError::field(&path, plain(&inner))
        } else {
            malformed(&plain(&inner))
        }
    })?;
    json.end().map_err(|error| malformed(&plain(&error)))?;
    Ok(parsed)
}

fn malformed(why: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "VALIDATION_FAILED",
        format!("the body is not the JSON expected: {why}"),
    )
}

/// serde's message without its position: the position helps nobody who made the JSON by a program.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Tells null (clear) from absent (keep), in a body.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The query string.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            let message = error.body_text();
            let why = message.rsplit_once(": ").map_or(message.as_str(), |(_, why)| why);
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "VALIDATION_FAILED",
                format!("the query is not as expected: {why}"),
            )
        })
    }
}

/// An id in the path.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Ok(path) = axum::extract::Path::from_request_parts(parts, state).await {
            return Ok(Self(path.0));
        }
        let named = RawPathParams::from_request_parts(parts, state).await.ok();
        // All are ids but for the names of acts, which are no URLs of ours if they are others.
        let wrong = named.as_ref().and_then(|path| {
            path.iter().find(|(name, value)| *name != "act" && uuid::Uuid::try_parse(value).is_err())
        });
        match wrong {
            Some((name, _)) => Err(ApiError::field(name, "in the path must be a UUID")),
            None => Err(ApiError::nothing_here()),
        }
    }
}

/// Who asks. The outer layer has read the token; here a route says that it needs one.
pub struct Caller(pub accounts::Caller);

/// What that layer found.
#[derive(Clone)]
pub struct Authentication(pub Result<accounts::Caller, ApiError>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Authentication>().cloned();
        found.map_or_else(|| Err(ApiError::from(accounts::Error::NoToken)), |found| found.0).map(Self)
    }
}

/// Reads `Authorization: Bearer …`.
pub fn authenticate(banter: &Banter, headers: &HeaderMap) -> Result<accounts::Caller, accounts::Error> {
    let token = bearer(headers).ok_or(accounts::Error::NoToken)?;
    banter.accounts().authenticate(token)
}

pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// From where somebody asks.
pub struct Client(pub accounts::Client);

impl FromRequestParts<Banter> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, banter: &Banter) -> Result<Self, ApiError> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(accounts::Client {
            address: address(banter, parts),
            user_agent: user_agent.map(str::to_owned),
        }))
    }
}

/// The address that asked. Only proxies we run are believed about it: each appends the address it heard from, so the
/// client's is as many places from the end as there are proxies.
pub fn address(banter: &Banter, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let proxies = banter.config().http.trusted_proxies;
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let told = proxies.checked_sub(1).and_then(|back| plain_address(forwarded.iter().rev().nth(back)?));
    told.or(peer).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

/// Some proxies, Azure's among them, append the port.
fn plain_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    text.parse().or_else(|_| with_port()).ok()
}

/// `limit` and `cursor` of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    pub fn page(self) -> Result<PageRequest, ApiError> {
        Ok(PageRequest { limit: limit(self.limit)?, cursor: self.cursor })
    }
}

pub fn limit(limit: Option<u16>) -> Result<u16, ApiError> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(ApiError::field("limit", format!("must be 1 to {MAX_LIMIT}"))),
    }
}
