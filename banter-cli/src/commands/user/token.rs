//! `banter user token`: signing in as somebody, on a development machine.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::find;
use crate::commands::when;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    user_id: banter_core::ids::UserId,
    access_token: String,
    refresh_token: String,
    access_expires_at: DateTime<Utc>,
}

pub(super) async fn token(
    user: &str,
    ttl: Duration,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
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
