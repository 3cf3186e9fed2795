//! `banter user show`: an account at a glance.

use banter_core::accounts::overview::Overview;
use banter_core::accounts::{Role, Status};
use banter_core::presence;
use banter_core::text::PhoneNumber;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::find;
use crate::commands::when;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: banter_core::ids::UserId,
    username: Option<String>,
    full_name: String,
    phone_number: Option<String>,
    role: Role,
    status: Status,
    status_until: Option<DateTime<Utc>>,
    is_verified: bool,
    coins: i32,
    premium_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    last_seen: Option<DateTime<Utc>>,
    sessions: i64,
    devices: i64,
    presence: presence::Status,
}

pub(super) async fn show(
    user: &str,
    reveal: bool,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let has_redis = config.redis.is_some();
    let found = with_banter(config, async |banter| {
        let id = find(banter, user).await?;
        Ok(banter.accounts().overview(id).await?)
    })
    .await?;
    let shown = shown(found, reveal, has_redis);
    if out.is_json() {
        out.json(&shown);
    } else {
        out.data(fields(rows(shown, has_redis)));
    }
    Ok(ExitStatus::Done)
}

pub(super) fn shown(found: Overview, reveal: bool, has_redis: bool) -> Shown {
    let number = |number: PhoneNumber| if reveal { number.as_str().to_owned() } else { number.masked() };
    Shown {
        id: found.id,
        username: found.username,
        full_name: found.full_name,
        phone_number: found.phone_number.map(number),
        role: found.role,
        status: found.status,
        status_until: found.status_until,
        is_verified: found.is_verified,
        coins: found.coins,
        premium_until: found.premium_until,
        created_at: found.created_at,
        last_seen: found.last_seen,
        sessions: found.sessions,
        devices: found.devices,
        // Without Redis presence is each server's own memory, and this process is no server.
        presence: if has_redis { found.presence } else { presence::Status::Unknown },
    }
}

fn rows(shown: Shown, has_redis: bool) -> Vec<(&'static str, Cell)> {
    let none = || faint("none");
    vec![
        ("id", shown.id.into()),
        ("username", shown.username.map_or_else(none, Cell::from)),
        ("name", shown.full_name.into()),
        ("phone", shown.phone_number.map_or_else(none, Cell::from)),
        ("role", role(shown.role)),
        ("status", status(shown.status, shown.status_until)),
        ("verified", if shown.is_verified { "yes" } else { "no" }.into()),
        ("coins", shown.coins.into()),
        ("premium", shown.premium_until.map_or_else(none, |time| format!("until {}", when(time)).into())),
        ("created", when(shown.created_at).into()),
        (
            "presence",
            match shown.presence {
                presence::Status::Online => good("online"),
                presence::Status::Offline => "offline".into(),
                presence::Status::Unknown if has_redis => notable("unknown: Redis does not answer"),
                presence::Status::Unknown => faint("unknown: without Redis only the server knows"),
            },
        ),
        ("last seen", shown.last_seen.map_or_else(|| faint("never"), |time| when(time).into())),
        ("logins", shown.sessions.into()),
        ("devices", shown.devices.into()),
    ]
}

pub(super) fn role(role: Role) -> Cell {
    match role {
        Role::User => "user".into(),
        staff => notable(staff.name()),
    }
}

pub(super) fn status(status: Status, until: Option<DateTime<Utc>>) -> Cell {
    let until = until.map(|time| format!(" until {}", when(time))).unwrap_or_default();
    match status {
        Status::Active => good("active"),
        Status::Suspended => bad(format!("suspended{until}")),
        Status::Banned => bad("banned"),
        Status::Deleted => bad("deleted"),
    }
}
