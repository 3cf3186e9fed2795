//! The one map from core's errors to HTTP. An [`ApiError`] travels to the outermost layer as a response extension
//! and gets its body there, where the request's id is known; so a panic, a timeout, an unknown URL and a broken rule
//! all answer in the same shape.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use banter_core::error::{Coded, Kind};
use banter_core::limits::Exceeded;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A failure on its way out.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    details: Option<Map<String, Value>>,
    retry_after: Option<u64>,
    /// For logs only.
    pub internal: Option<String>,
}

/// The body of every failure.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    #[schema(example = false)]
    pub success: bool,
    /// Stable; what programs act on.
    #[schema(example = "VALIDATION_FAILED")]
    pub code: &'static str,
    /// For people; may change.
    pub message: String,
    /// Names this request in the server's logs.
    pub request_id: String,
    /// With `VALIDATION_FAILED`: `{"fields": {"username": "is reserved"}}`; with `NOT_ENOUGH_COINS` and
    /// `GIFT_LIMIT_REACHED` how many are missing, or left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub details: Option<Value>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, retry_after: None, internal: None }
    }

    /// One field of the input is wrong.
    pub fn field(field: &str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        let mut error = Self::new(StatusCode::BAD_REQUEST, "VALIDATION_FAILED", format!("{field} {problem}"));
        error.details = Some(Map::from_iter([("fields".to_owned(), json!({ field: problem }))]));
        error
    }

    /// As if the URL were not ours.
    pub fn nothing_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing at this URL")
    }

    pub fn internal(why: impl Into<String>) -> Self {
        let mut error =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "something went wrong on our side");
        error.internal = Some(why.into());
        error
    }

    /// It took longer than anything here should.
    pub fn timeout() -> Self {
        let message = "this took too long; try again";
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT", message);
        error.retry_after = Some(2);
        error
    }

    pub fn details(&self) -> Option<Value> {
        self.details.clone().map(Value::Object)
    }

    /// The same failure as a socket's acknowledgement.
    pub fn acknowledgement(&self) -> Value {
        let mut body = json!({ "success": false, "code": self.code, "message": self.message });
        if let Some(details) = self.details() {
            body["details"] = details;
        }
        if let Some(seconds) = self.retry_after {
            body["retryAfter"] = seconds.into();
        }
        body
    }
}

impl<E: Coded> From<E> for ApiError {
    fn from(error: E) -> Self {
        let (kind, code) = error.coded();
        let status = match kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => return Self::internal(chain(&error)),
        };
        let mut api = Self::new(status, code, error.to_string());
        let numbers = error.numbers().into_iter().map(|(name, number)| (name.to_owned(), json!(number)));
        let fields = error.problems().map(|problems| {
            let fields = problems.iter().map(|(field, problem)| (field.to_owned(), json!(problem)));
            ("fields".to_owned(), Value::Object(fields.collect()))
        });
        let details: Map<_, _> = numbers.chain(fields).collect();
        api.details = (!details.is_empty()).then_some(details);
        api.retry_after = error.retry_after();
        if kind == Kind::Unavailable {
            api.message = "a part of Banter is away for the moment; try again shortly".into();
            api.retry_after = api.retry_after.or(Some(2));
            api.internal = Some(chain(&error));
        }
        api
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A refused act, with the limit it ran into.
pub fn too_often(exceeded: Exceeded) -> Response {
    let mut response = ApiError::from(exceeded).into_response();
    limit_headers(&mut response, exceeded.limit, 0, exceeded.reset);
    response
}

/// `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers-06).
pub fn limit_headers(response: &mut Response, limit: u32, remaining: u32, reset: u64) {
    let headers = response.headers_mut();
    headers.insert("ratelimit-limit", HeaderValue::from(limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(reset));
}
