//! `banter user list`: accounts, page by page.

use banter_core::accounts::administration::{Filter, Listed};
use banter_core::accounts::{Role, Status};
use banter_core::ids::UserId;
use banter_core::page::PageRequest;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{RoleName, show};
use crate::commands::{count, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{faint, table};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those that stand so
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusName>,
    /// Only those that may do this
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleName>,
    /// Only those whose username or name begins so, in any case, or whose phone number this is
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many at most, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Active,
    Suspended,
    Banned,
    Deleted,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Active => Self::Active,
            StatusName::Suspended => Self::Suspended,
            StatusName::Banned => Self::Banned,
            StatusName::Deleted => Self::Deleted,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    users: Vec<ReportedUser>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedUser {
    id: UserId,
    username: Option<String>,
    full_name: String,
    /// Masked.
    phone_number: Option<String>,
    role: Role,
    status: Status,
    status_until: Option<DateTime<Utc>>,
    coins: i32,
    created_at: DateTime<Utc>,
}

impl From<Listed> for ReportedUser {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            username: listed.username,
            full_name: listed.full_name,
            phone_number: listed.phone_number.map(|number| number.masked()),
            role: listed.role,
            status: listed.status,
            status_until: listed.status_until,
            coins: listed.coins,
            created_at: listed.created_at,
        }
    }
}

pub(super) async fn list(args: ListArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let filter = Filter {
        status: args.status.map(Status::from),
        role: args.role.map(Role::from),
        search: args.search,
    };
    let page = PageRequest { limit: args.limit, cursor: args.after };
    let found = with_banter(config, async |banter| Ok(banter.accounts().list(&filter, &page).await?)).await?;
    let users: Vec<ReportedUser> = found.items.into_iter().map(ReportedUser::from).collect();
    if out.is_json() {
        out.json(&Report { users, next_cursor: found.next_cursor });
        return Ok(ExitStatus::Done);
    }
    if users.is_empty() {
        out.say("no account fits");
        return Ok(ExitStatus::Done);
    }
    let number = users.len() as u64;
    let rows = users.into_iter().map(|user| {
        vec![
            user.id.into(),
            user.username.map_or_else(|| faint("none"), Into::into),
            user.full_name.into(),
            user.phone_number.map_or_else(|| faint("none"), Into::into),
            show::role(user.role),
            show::status(user.status, user.status_until),
            user.coins.into(),
            when(user.created_at).into(),
        ]
    });
    let heading = ["ID", "USERNAME", "NAME", "PHONE", "ROLE", "STATUS", "COINS", "CREATED"];
    out.data(table(&heading, rows.collect()));
    match found.next_cursor {
        Some(cursor) => {
            out.say(format_args!("\n{}, and there are more: --after {cursor}", count(number, "account")));
        }
        None => out.say(format_args!("\n{}", count(number, "account"))),
    }
    Ok(ExitStatus::Done)
}
