//! For load balancers and people: does the process live, and can it serve?

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use banter_core::Banter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::ENDING;

#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// What the replica stands on.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Requests can be served.
    ready: bool,
    #[schema(example = "ok")]
    database: &'static str,
    /// `memory`: there is none, by configuration. Its absence does not make the replica unready.
    #[schema(example = "ok")]
    cache: &'static str,
    version: &'static str,
}

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "Operations", responses((status = OK, body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Can it serve?
#[utoipa::path(get, path = "/readyz", tag = "Operations",
    responses((status = OK, body = Readiness), (status = SERVICE_UNAVAILABLE, body = Readiness)))]
pub async fn readyz(State(banter): State<Banter>) -> (StatusCode, Json<Readiness>) {
    let (database, cache) = tokio::join!(banter.check_database(), banter.check_redis());
    let ready = database.is_ok() && !ENDING.load(Ordering::Relaxed);
    let readiness = Readiness {
        ready,
        database: if database.is_ok() { "ok" } else { "away" },
        cache: match cache {
            None => "memory",
            Some(Ok(())) => "ok",
            Some(Err(_)) => "away",
        },
        version: env!("CARGO_PKG_VERSION"),
    };
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(readiness))
}
