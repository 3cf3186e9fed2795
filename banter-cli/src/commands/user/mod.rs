//! `banter user`: accounts, and what staff may do about one.
//!
//! [`list`] · [`show`] · [`token`] · [`change`] role, suspension, coins, deletion · [`export`]

mod change;
mod export;
mod list;
mod show;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use banter_core::Banter;
use banter_core::accounts;
use banter_core::accounts::retention;
use banter_core::config::parse_duration;
use banter_core::ids::UserId;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

pub(crate) use change::role;

use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Find accounts, look at them, and do what staff may do
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter user list --status suspended"
    "banter user show asha"
    "banter user suspend ravi --for 7d --reason \"insults in a room\""
    "curl -H \"Authorization: Bearer $(banter user token asha)\" http://127.0.0.1:5000/api/v1/auth/me"
])]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List accounts, newest first
    ///
    /// Filters that are given must all hold. A page ends with the cursor of the next.
    #[command(after_help = examples![
        "banter user list --role moderator"
        "banter user list --search ash --limit 5"
        "banter --json user list --status banned | jq -r '.users[].id'"
    ])]
    List(list::ListArgs),
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
        #[arg(long, value_name = "TIME", default_value = "12h", value_parser = duration)]
        ttl: Duration,
    },
    /// Give somebody a role
    ///
    /// Their logins end, because the tokens still say the old one; they sign in again with the new. The last admin stays.
    #[command(after_help = examples!["banter user role asha moderator"])]
    Role {
        /// Id, phone number or username
        user: String,
        /// What they may do
        role: RoleName,
    },
    /// Suspend an account: every login ends at once, and nobody signs in to it
    ///
    /// It ends by itself when a time is given; else `banter user restore` ends it. A second one takes the place of the
    /// first.
    #[command(after_help = examples![
        "banter user suspend ravi --for 7d --reason \"insults in a room\""
        "banter user suspend ravi --until 2026-12-31 --reason \"again\""
        "banter user suspend ravi --reason \"until we have talked\""
    ])]
    Suspend {
        /// Id, phone number or username
        user: String,
        /// For how long: 12h, 7d
        #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "until")]
        length: Option<Duration>,
        /// Until when: a day (its beginning in UTC), or a time such as 2026-12-31T18:30:00Z
        #[arg(long, value_name = "TIME", value_parser = moment)]
        until: Option<DateTime<Utc>>,
        /// Why; kept for good
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// End a suspension or a ban
    #[command(after_help = examples!["banter user restore ravi --reason \"a mistake\""])]
    Restore {
        /// Id, phone number or username
        user: String,
        /// Why; kept for good
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Delete an account for good, as its owner could in the app
    ///
    /// Everything that says who it was is removed at once, and cannot be brought back; what stays, and why, is told in
    /// docs/data-retention.md. Asks for the username to be typed.
    #[command(after_help = examples![
        "banter user delete ravi --reason \"asked by letter of 2 November\""
        "banter user delete 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --yes --reason \"a test account\""
    ])]
    Delete {
        /// Id, phone number or username
        user: String,
        /// Why; kept for good
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write all that is held about somebody, as one JSON document
    ///
    /// The same that its owner downloads from the app. Holds private data: the file is for its owner's eyes alone.
    #[command(after_help = examples![
        "banter user export asha --out asha.json"
        "banter user export +919800000001 | jq '.messages | length'"
    ])]
    Export {
        /// Id, phone number or username
        user: String,
        /// Write to this new file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Give somebody coins of the house's
    ///
    /// They are told. With a reference of your own the same command again gives nothing more.
    #[command(after_help = examples![
        "banter user grant-coins asha 50 --reason \"for the call that broke off\""
        "banter user grant-coins asha 50 --reason \"Diwali\" --reference diwali-2026-asha"
    ])]
    GrantCoins {
        /// Id, phone number or username
        user: String,
        /// How many, 1 to 100000
        amount: i32,
        /// Why; stands in the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// What makes this grant one of its kind
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
    },
    /// Print what is held about people, how long, and what deletion leaves
    #[command(after_help = examples!["banter user retention > docs/data-retention.md"])]
    Retention,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    User,
    /// Looks on.
    Viewer,
    /// Decides.
    Moderator,
    /// Also confirms, decides appeals and keeps the rules.
    Senior,
    /// Also names staff.
    Admin,
}

impl From<RoleName> for accounts::Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::Viewer => Self::Viewer,
            RoleName::Moderator => Self::Moderator,
            RoleName::Senior => Self::Senior,
            RoleName::Admin => Self::Admin,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 900s, 15m, 12h or 7d".into())
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    day.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()))
        .map_err(|_| "expected a day such as 2026-12-31, or a time such as 2026-12-31T18:30:00Z".into())
}

pub(crate) async fn run(args: UserArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::List(args) => list::list(args, settings, out).await,
        Act::Show { user, reveal } => show::show(&user, reveal, settings, out).await,
        Act::Token { user, ttl } => token::token(&user, ttl, settings, out).await,
        Act::Role { user, role } => change::role(&user, role.into(), settings, out).await,
        Act::Suspend { user, length, until, reason } => {
            change::suspend(&user, length, until, &reason, settings, out).await
        }
        Act::Restore { user, reason } => change::restore(&user, reason.as_deref(), settings, out).await,
        Act::Delete { user, reason, yes } => change::delete(&user, &reason, yes, settings, out).await,
        Act::Export { user, out: file } => export::export(&user, file.as_deref(), settings, out).await,
        Act::GrantCoins { user, amount, reason, reference } => {
            change::grant(&user, amount, &reason, reference, settings, out).await
        }
        Act::Retention => {
            out.data(retention::document().trim_end());
            Ok(ExitStatus::Done)
        }
    }
}

pub(crate) async fn find(banter: &Banter, name: &str) -> Result<UserId, Failure> {
    banter.accounts().find(name.trim()).await.map_err(|error| match error {
        accounts::Error::UserNotFound => Failure::from(error)
            .hint(format!("`{name}` is nobody's id, phone number (+919876543210) or username")),
        error => error.into(),
    })
}
