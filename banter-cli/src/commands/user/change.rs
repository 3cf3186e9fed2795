//! What staff do about an account: role, suspension, coins, deletion.

use std::time::Duration;

use banter_core::accounts::overview::Overview;
use banter_core::accounts::{self, Role};
use banter_core::ids::UserId;
use banter_core::moderation::{self, Staff};
use banter_core::payments::ledger::Outcome;
use banter_core::{Banter, payments};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{find, show};
use crate::commands::{confirm, count, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

/// Does something about an account, and says how it stands then.
async fn change(
    user: &str,
    settings: &Settings,
    out: &Printer,
    act: impl AsyncFnOnce(&Banter, &Overview) -> Result<String, Failure>,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let has_redis = config.redis.is_some();
    let (said, found) = with_banter(config, async |banter| {
        let id = find(banter, user).await?;
        let said = act(banter, &banter.accounts().overview(id).await?).await?;
        Ok((said, banter.accounts().overview(id).await?))
    })
    .await?;
    if out.is_json() {
        out.json(&show::shown(found, false, has_redis));
    } else {
        out.say(said);
    }
    Ok(ExitStatus::Done)
}

/// `asha (Asha Sharma)`.
fn called(found: &Overview) -> String {
    match &found.username {
        Some(username) => format!("{username} ({})", found.full_name),
        None => format!("{} ({})", found.id, found.full_name),
    }
}

fn failure(error: accounts::Error) -> Failure {
    let hint = match &error {
        accounts::Error::LastAdmin => "`banter user role SOMEBODY admin` makes another one",
        accounts::Error::AlreadyDeleted => "a deletion cannot be undone; its owner may register again",
        accounts::Error::Banned => "`banter user restore` ends a ban; then it can be suspended",
        accounts::Error::Payments(payments::Error::ReferenceReused) => {
            "another grant has this reference: `--reference` takes another"
        }
        _ => return error.into(),
    };
    Failure::from(error).hint(hint)
}

pub(crate) async fn role(
    user: &str,
    role: Role,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    change(user, settings, out, async |banter, found| {
        let name = match role {
            Role::User => "an ordinary user",
            Role::Viewer => "a viewer",
            Role::Moderator => "a moderator",
            Role::Senior => "a senior moderator",
            Role::Admin => "an admin",
        };
        let changed = banter.moderation().name_staff(Staff::OPERATOR, found.id, role).await;
        let changed = changed.map_err(|error| match error {
            moderation::Error::Account(error) => failure(*error),
            error => error.into(),
        })?;
        Ok(if changed {
            format!("{} is {name} from the next sign-in on; their logins ended", called(found))
        } else {
            format!("nothing to change: {} is {name} already", called(found))
        })
    })
    .await
}

pub(super) async fn suspend(
    user: &str,
    length: Option<Duration>,
    until: Option<DateTime<Utc>>,
    reason: &str,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    change(user, settings, out, async |banter, found| {
        let now = banter.clock().now();
        let length =
            length.map(|length| now + TimeDelta::from_std(length).unwrap_or(TimeDelta::days(36_500)));
        let until = length.or(until);
        banter.accounts().suspend(found.id, until, reason).await.map_err(failure)?;
        let end = until.map_or_else(
            || "until `banter user restore`".to_owned(),
            |until| format!("until {}", when(until)),
        );
        let ended = count(found.sessions.unsigned_abs(), "login");
        Ok(format!("{} is suspended {end}; {ended} ended", called(found)))
    })
    .await
}

pub(super) async fn restore(
    user: &str,
    reason: Option<&str>,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    change(user, settings, out, async |banter, found| {
        banter.accounts().restore(found.id, reason).await.map_err(failure)?;
        Ok(format!("{} may sign in again", called(found)))
    })
    .await
}

pub(super) async fn delete(
    user: &str,
    reason: &str,
    yes: bool,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    change(user, settings, out, async |banter, found| {
        if found.status == accounts::Status::Deleted {
            return Err(failure(accounts::Error::AlreadyDeleted));
        }
        if !yes {
            let name = found.username.clone().unwrap_or_else(|| found.id.to_string());
            let question =
                format_args!("this deletes {} for good: everything that says who it was", called(found));
            confirm(question, &name, "nothing was deleted", out)?;
        }
        banter.accounts().delete_for(found.id, reason).await.map_err(failure)?;
        Ok(format!("{} is deleted; account {} is anonymous from now on", called(found), found.id))
    })
    .await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    user_id: UserId,
    amount: i32,
    balance: i32,
    reference: String,
    /// It was given by an earlier command.
    repeated: bool,
}

pub(super) async fn grant(
    user: &str,
    amount: i32,
    reason: &str,
    reference: Option<String>,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let (granted, name) = with_banter(config, async |banter| {
        let id = find(banter, user).await?;
        let now = banter.clock().now();
        let reference = reference.unwrap_or_else(|| banter.ids().uuid(now).to_string());
        let outcome = banter.accounts().grant_coins(id, amount, &reference, reason).await.map_err(failure)?;
        let found = banter.accounts().overview(id).await?;
        let repeated = matches!(outcome, Outcome::Already(..));
        let granted = Granted { user_id: id, amount, balance: found.coins, reference, repeated };
        Ok((granted, called(&found)))
    })
    .await?;
    if out.is_json() {
        out.json(&granted);
        return Ok(ExitStatus::Done);
    }
    let coins = count(granted.amount.unsigned_abs().into(), "coin");
    let (balance, reference) = (granted.balance, &granted.reference);
    if granted.repeated {
        out.say(format_args!(
            "nothing to give: `{reference}` gave {coins} to {name} before, who has {balance}"
        ));
    } else {
        out.say(format_args!("gave {coins} to {name}, who has {balance} now (reference `{reference}`)"));
    }
    Ok(ExitStatus::Done)
}
