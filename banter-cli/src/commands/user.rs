//! `banter user`: one account.

use std::time::Duration;

use banter_core::accounts::overview::Overview;
use banter_core::accounts::{Role, Status};
use banter_core::config::parse_duration;
use banter_core::presence;
use banter_core::text::PhoneNumber;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::when;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable};

/// Look at an account, or sign in as somebody on a development machine
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter user show asha"
    "curl -H \"Authorization: Bearer $(banter user token asha)\" http://127.0.0.1:5000/api/v1/auth/me"
])]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show an account at a glance
    #[command(after_help = examples![
        "banter user show asha"
        "banter user show +919800000001 --reveal"
        "banter --json user show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 | jq .status"
    ])]
    Show {
        /// Id, phone number or username
        user: String,
        /// Show the whole phone number
        #[arg(long)]
        reveal: bool,
    },
    /// Print an access token for somebody
    ///
    /// Opens a login of theirs, as if they had signed in; they see it in their list and can end it. The token stands
    /// alone on stdout; `--json` gives the refresh token and the expiry too. Production refuses.
    #[command(after_help = examples![
        "curl -H \"Authorization: Bearer $(banter user token asha)\" http://127.0.0.1:5000/api/v1/auth/me"
        "banter user token +919800000002 --ttl 30m"
        "banter --json user token ravi | jq -r .refreshToken"
    ])]
    Token {
        /// Id, phone number or username
        user: String,
        /// Life of the access token: 900s, 15m, 12h, 7d
        #[arg(long, value_name = "TIME", default_value = "12h", value_parser = ttl)]
        ttl: Duration,
    },
}

fn ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 900s, 15m, 12h or 7d".into())
}

pub(crate) async fn run(args: UserArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Show { user, reveal } => show(&user, reveal, settings, out).await,
        Act::Token { user, ttl } => token(&user, ttl, settings, out).await,
    }
}

async fn find(banter: &banter_core::Banter, name: &str) -> Result<banter_core::ids::UserId, Failure> {
    banter.accounts().find(name.trim()).await.map_err(|error| match error {
        banter_core::accounts::Error::UserNotFound => Failure::from(error)
            .hint(format!("`{name}` is nobody's id, phone number (+919876543210) or username")),
        error => error.into(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    user_id: banter_core::ids::UserId,
    access_token: String,
    refresh_token: String,
    access_expires_at: DateTime<Utc>,
}

async fn token(user: &str, ttl: Duration, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.whole()?;
    name_target(&config, out)?;
    let (token, name) = with_banter(config, async |banter| {
        let user_id = find(banter, user).await?;
        let now = banter.clock().now();
        let tokens = banter.accounts().sign_in_as(user_id, ttl).await?;
        let token = Token {
            user_id,
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            access_expires_at: now + TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX),
        };
        Ok((token, banter.accounts().overview(user_id).await?.full_name))
    })
    .await?;
    if out.is_json() {
        out.json(&token);
    } else {
        out.say(format_args!("signed in as {name} until {}", when(token.access_expires_at)));
        out.data(&token.access_token);
    }
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
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

async fn show(user: &str, reveal: bool, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
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

fn shown(found: Overview, reveal: bool, has_redis: bool) -> Shown {
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
    let until = shown.status_until.map(|time| format!(" until {}", when(time))).unwrap_or_default();
    vec![
        ("id", shown.id.into()),
        ("username", shown.username.map_or_else(none, Cell::from)),
        ("name", shown.full_name.into()),
        ("phone", shown.phone_number.map_or_else(none, Cell::from)),
        (
            "role",
            match shown.role {
                Role::User => "user".into(),
                Role::Moderator => notable("moderator"),
                Role::Admin => notable("admin"),
            },
        ),
        (
            "status",
            match shown.status {
                Status::Active => good("active"),
                Status::Suspended => bad(format!("suspended{until}")),
                Status::Banned => bad("banned"),
                Status::Deleted => bad("deleted"),
            },
        ),
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
