//! Who asks, and how often: the general rate limit, by user when signed in, else by address.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use banter_core::Banter;
use banter_core::limits::{self, Act};

use crate::http::error::{ApiError, limit_headers, too_often};
use crate::http::extract::{Authentication, address, authenticate, bearer};

pub async fn limit(State(banter): State<Banter>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = authenticate(&banter, &parts.headers);
    let who = match &caller {
        Ok(caller) => caller.user_id.to_string(),
        // A token of ours that has run out, or whose login has ended, still tells whose it is. Counted by address, the
        // phones behind one carrier's would use up each other's requests every time their tokens run out.
        Err(_) => match bearer(&parts.headers).and_then(|token| banter.accounts().owner(token)) {
            Some(user) => user.to_string(),
            None => limits::network(address(&banter, &parts)),
        },
    };
    let quota = match banter.limits().take(Act::Any, &who).await {
        Ok(quota) => quota,
        Err(exceeded) => return too_often(exceeded),
    };
    parts.extensions.insert(Authentication(caller.map_err(ApiError::from)));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // A stricter limit that refused has named itself already.
    if !response.headers().contains_key("ratelimit-limit") {
        limit_headers(&mut response, quota.limit, quota.remaining, quota.reset);
    }
    response
}
