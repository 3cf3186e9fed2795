//! REST. One file a noun holds its routes and the shapes they speak; [`error`] is the one map from core's errors to
//! statuses; [`extract`] how requests are read; [`layers`] what every request passes.

pub mod auth;
pub mod calls;
pub mod conversations;
pub mod error;
pub mod extract;
pub mod friends;
pub mod gifts;
pub mod groups;
pub mod health;
pub mod layers;
pub mod media;
pub mod messages;
pub mod moderation;
pub mod notifications;
pub mod openapi;
pub mod payments;
pub mod people;
pub mod presence;
pub mod reports;
pub mod rooms;
pub mod safety;
pub mod settings;
pub mod tools;
pub mod uploads;
pub mod users;
pub mod webhooks;

use serde::Serialize;
use utoipa::ToSchema;

/// A success: `{"success": true, …}`.
#[derive(Serialize, ToSchema)]
pub struct Answer<T> {
    #[schema(example = true)]
    success: bool,
    #[serde(flatten)]
    answer: T,
}

impl<T> Answer<T> {
    pub fn new(answer: T) -> Self {
        Self { success: true, answer }
    }
}

/// A handler's outcome: JSON, or an error with its code.
pub type Outcome<T> = Result<axum::Json<Answer<T>>, error::ApiError>;

/// Shapes a success.
pub fn answer<T>(answer: T) -> Outcome<T> {
    Ok(axum::Json(Answer::new(answer)))
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
pub struct Done {}
