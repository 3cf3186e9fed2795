//! The caller's settings, and where they are.

use axum::extract::State;
use banter_core::Banter;
use banter_core::accounts::location::Location;
use banter_core::accounts::settings::{Audience, QuietHours, Settings, SettingsChange, Watchers};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, Caller, present};
use super::openapi::Refusal;
use super::{Answer, Done, Outcome, answer};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// Who may write to me.
    messages: Audience,
    /// Who may call me.
    calls: Audience,
    /// Who sees whether I am here.
    presence: Watchers,
    push: PushView,
    quiet_hours: Option<QuietHoursView>,
}

/// Of what my phones are told.
#[derive(Serialize, ToSchema)]
pub struct PushView {
    messages: bool,
    friends: bool,
    calls: bool,
    rooms: bool,
    payments: bool,
}

/// When my phones are left in peace, every day, in India's time.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct QuietHoursView {
    #[schema(example = "22:30", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    from: String,
    /// May be of the next day.
    #[schema(example = "07:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    to: String,
}

impl From<QuietHours> for QuietHoursView {
    fn from(hours: QuietHours) -> Self {
        Self { from: hours.from(), to: hours.to() }
    }
}

impl From<Settings> for SettingsView {
    fn from(settings: Settings) -> Self {
        let push = settings.push;
        Self {
            messages: settings.messages,
            calls: settings.calls,
            presence: settings.presence,
            push: PushView {
                messages: push.messages,
                friends: push.friends,
                calls: push.calls,
                rooms: push.rooms,
                payments: push.payments,
            },
            quiet_hours: settings.quiet_hours.map(QuietHoursView::from),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct SettingsAnswer {
    settings: SettingsView,
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSettings {
    messages: Option<Audience>,
    calls: Option<Audience>,
    presence: Option<Watchers>,
    push: Option<ChangePush>,
    /// Null: no such hours.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<QuietHoursView>)]
    quiet_hours: Option<Option<QuietHoursView>>,
}

#[derive(Default, Deserialize, ToSchema)]
pub struct ChangePush {
    messages: Option<bool>,
    friends: Option<bool>,
    calls: Option<bool>,
    rooms: Option<bool>,
    payments: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
pub struct NewLocation {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90, example = 19.07)]
    latitude: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 72.87)]
    longitude: f64,
}

/// As it was stored: to about a kilometre.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationView {
    latitude: f64,
    longitude: f64,
    updated_at: DateTime<Utc>,
}

impl From<Location> for LocationView {
    fn from(location: Location) -> Self {
        Self { latitude: location.latitude, longitude: location.longitude, updated_at: location.updated_at }
    }
}

#[derive(Serialize, ToSchema)]
pub struct LocationAnswer {
    location: LocationView,
}

/// My settings
#[utoipa::path(get, path = "/users/me/settings", operation_id = "getSettings", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<SettingsAnswer>), Refusal))]
pub async fn settings(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<SettingsAnswer> {
    answer(SettingsAnswer { settings: banter.accounts().settings(&caller).await?.into() })
}

/// Change my settings
#[utoipa::path(put, path = "/users/me/settings", operation_id = "changeSettings", tag = "Accounts", request_body = ChangeSettings, security(("bearer" = [])),
    responses((status = OK, body = Answer<SettingsAnswer>), Refusal))]
pub async fn change_settings(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<ChangeSettings>,
) -> Outcome<SettingsAnswer> {
    let push = body.push.unwrap_or_default();
    let change = SettingsChange {
        messages: body.messages,
        calls: body.calls,
        presence: body.presence,
        push_messages: push.messages,
        push_friends: push.friends,
        push_calls: push.calls,
        push_rooms: push.rooms,
        push_payments: push.payments,
        quiet_hours: body.quiet_hours.map(|hours| hours.map(|hours| (hours.from, hours.to))),
    };
    answer(SettingsAnswer { settings: banter.accounts().change_settings(&caller, change).await?.into() })
}

/// Where I am
///
/// Stored to about a kilometre, and shown to nobody.
#[utoipa::path(put, path = "/users/me/location", operation_id = "putLocation", tag = "Accounts", request_body = NewLocation, security(("bearer" = [])),
    responses((status = OK, body = Answer<LocationAnswer>), Refusal))]
pub async fn put_location(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Body(body): Body<NewLocation>,
) -> Outcome<LocationAnswer> {
    let stored = banter.accounts().put_location(&caller, body.latitude, body.longitude).await?;
    answer(LocationAnswer { location: stored.into() })
}

/// Forget where I am
#[utoipa::path(delete, path = "/users/me/location", operation_id = "deleteLocation", tag = "Accounts", security(("bearer" = [])),
    responses((status = OK, body = Answer<Done>), Refusal))]
pub async fn delete_location(State(banter): State<Banter>, Caller(caller): Caller) -> Outcome<Done> {
    banter.accounts().delete_location(&caller).await?;
    answer(Done {})
}
