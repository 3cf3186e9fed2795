//! The OpenAPI document: what the routes say of themselves, what holds for all of them, and [`mod@tidy`].

mod tidy;

use std::collections::BTreeMap;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::error::ErrorBody;

pub use tidy::tidy;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Banter",
        description = "The app's API. Successes are `{\"success\": true, …}`; failures `{\"success\": false, \"code\", \
            \"message\", \"requestId\", \"details\"?}`: programs act on `code`. A POST that creates something honours \
            `Idempotency-Key`. Every answer bears `X-Request-Id`, those under `/api` `RateLimit-*` as well. Live events come over Socket.IO v4 on \
            the default namespace, handshake `auth: {token}`; see docs/events.md.",
        license(name = "Proprietary")
    ),
    tags(
        (name = "Accounts", description = "Sign-in, logins, profiles, settings, devices"),
        (name = "Friends", description = "Friends, and asking to be"),
        (name = "Messages", description = "Conversations and messages"),
        (name = "Groups", description = "Conversations of 3 to 10"),
        (name = "Calls", description = "Audio and video, of two or of a group"),
        (name = "Rooms", description = "Places to talk, with strangers too"),
        (name = "Gifts", description = "What coins are for"),
        (name = "Payments", description = "Coins and premium, and what was paid for them"),
        (name = "Notifications", description = "The inbox"),
        (name = "Media", description = "Pictures, recordings and films"),
        (name = "Presence", description = "Who is here now"),
        (name = "Safety", description = "Blocks, reports, and what is held against oneself"),
        (name = "Moderation", description = "Keeping order, for staff"),
        (name = "Webhooks", description = "What outside services tell"),
        (name = "Operations", description = "For load balancers and people on call")
    ),
    components(schemas(ErrorBody)),
    modifiers(&Bearer)
)]
pub struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".into());
        document
            .components
            .get_or_insert_with(Components::new)
            .add_security_scheme("bearer", SecurityScheme::Http(http));
    }
}

/// Any failure: one shape for all.
pub struct Refusal;

impl IntoResponses for Refusal {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let response = ResponseBuilder::new()
            .description("400 invalid · 401 no token · 403 token refused or not allowed · 404 not there, or not for you \
                · 409 its state forbids it · 413 too large · 415 not JSON · 422 key used for another request · 429 too \
                often · 503 try again")
            .content("application/json", content)
            .build();
        BTreeMap::from([("default".to_owned(), RefOr::T(response))])
    }
}
