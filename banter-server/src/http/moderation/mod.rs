//! Keeping order, for staff: every route here needs a role, which core asks the database for each time.
//!
//! [`cases`] what was reported · [`people`] who is judged, their sanctions and appeals · [`rooms`] that are live ·
//! [`verifications`] · [`rules`] that find by themselves · [`records`] the audit log, numbers, the staff

pub mod cases;
pub mod people;
pub mod records;
pub mod rooms;
pub mod rules;
pub mod verifications;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use banter_core::Banter;
use banter_core::moderation;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::extract::Caller;

/// Somebody of the staff asks.
pub struct Staff(pub moderation::Staff);

impl FromRequestParts<Banter> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, banter: &Banter) -> Result<Self, ApiError> {
        let Caller(caller) = Caller::from_request_parts(parts, banter).await?;
        Ok(Self(banter.moderation().staff(&caller).await?))
    }
}

/// Why, for the record.
#[derive(Deserialize, ToSchema)]
pub struct Note {
    #[schema(min_length = 1, max_length = 2000)]
    note: String,
}

pub fn routes() -> OpenApiRouter<Banter> {
    OpenApiRouter::new()
        .routes(routes!(cases::queue))
        .routes(routes!(cases::show))
        .routes(routes!(cases::order))
        .routes(routes!(cases::claim_next))
        .routes(routes!(cases::claim))
        .routes(routes!(cases::release))
        .routes(routes!(cases::escalate))
        .routes(routes!(cases::note))
        .routes(routes!(cases::resolve))
        .routes(routes!(people::show))
        .routes(routes!(people::sanction))
        .routes(routes!(people::restore))
        .routes(routes!(people::mute_reports))
        .routes(routes!(people::sanctions))
        .routes(routes!(people::confirm))
        .routes(routes!(people::refuse))
        .routes(routes!(people::reverse))
        .routes(routes!(people::appeals))
        .routes(routes!(people::decide_appeal))
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::show))
        .routes(routes!(rooms::close))
        .routes(routes!(rooms::mute))
        .routes(routes!(rooms::kick))
        .routes(routes!(rules::list, rules::add))
        .routes(routes!(rules::change, rules::remove))
        .routes(routes!(rules::held))
        .routes(routes!(rules::release))
        .routes(routes!(rules::drop))
        .routes(routes!(verifications::list))
        .routes(routes!(verifications::show))
        .routes(routes!(verifications::approve))
        .routes(routes!(verifications::reject))
        .routes(routes!(records::audit))
        .routes(routes!(records::stats))
        .routes(routes!(records::staff))
        .routes(routes!(records::name_staff))
}
