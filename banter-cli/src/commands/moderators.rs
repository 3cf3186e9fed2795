//! `banter mod`: who the staff is.

use banter_core::accounts::Role;
use banter_core::moderation::Staff;
use banter_core::moderation::staff::Member;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{count, user, when};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, notable, table};

/// Make people moderators, and see who is one
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter mod list"
    "banter mod add meera --role moderator"
    "banter mod role meera senior"
    "banter mod role meera user      ends it"
])]
pub(crate) struct ModArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make somebody staff; all their logins end
    #[command(after_help = examples!["banter mod add meera" "banter mod add +919800000001 --role senior"])]
    Add {
        /// Id, phone number or username
        user: String,
        #[arg(long, value_enum, default_value_t = StaffRole::Moderator)]
        role: StaffRole,
    },
    /// List the staff, the highest first
    #[command(after_help = examples!["banter mod list" "banter --json mod list | jq -r '.staff[].username'"])]
    List,
    /// Change what somebody of the staff is, or end it; all their logins end
    #[command(after_help = examples!["banter mod role meera senior" "banter mod role meera user"])]
    Role {
        /// Id, phone number or username
        user: String,
        #[arg(value_enum)]
        role: AnyRole,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StaffRole {
    /// Sees the queue and numbers, nothing private
    Viewer,
    /// Takes and decides cases, suspends for 30 days at most, proposes bans
    Moderator,
    /// Confirms, reverses, decides appeals and what was handed up, keeps rules
    Senior,
    /// Names staff, and takes data out
    Admin,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AnyRole {
    /// Not staff any more
    User,
    /// Sees the queue and numbers, nothing private
    Viewer,
    /// Takes and decides cases, suspends for 30 days at most, proposes bans
    Moderator,
    /// Confirms, reverses, decides appeals and what was handed up, keeps rules
    Senior,
    /// Names staff, and takes data out
    Admin,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Viewer => Self::Viewer,
            StaffRole::Moderator => Self::Moderator,
            StaffRole::Senior => Self::Senior,
            StaffRole::Admin => Self::Admin,
        }
    }
}

impl From<AnyRole> for Role {
    fn from(role: AnyRole) -> Self {
        match role {
            AnyRole::User => Self::User,
            AnyRole::Viewer => Self::Viewer,
            AnyRole::Moderator => Self::Moderator,
            AnyRole::Senior => Self::Senior,
            AnyRole::Admin => Self::Admin,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    staff: Vec<Member>,
}

pub(crate) async fn run(args: ModArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Add { user, role } => user::role(&user, role.into(), settings, out).await,
        Act::Role { user, role } => user::role(&user, role.into(), settings, out).await,
        Act::List => {
            let listed = with_banter(settings.for_data()?, async |banter| {
                Ok(Listed { staff: banter.moderation().staff_list(Staff::OPERATOR).await? })
            });
            list(listed.await?, out);
            Ok(ExitStatus::Done)
        }
    }
}

fn list(listed: Listed, out: &Printer) {
    if out.is_json() {
        out.json(&listed);
        return;
    }
    if listed.staff.is_empty() {
        out.say("nobody is staff: `banter mod add NAME` makes a moderator, `--role admin` an admin");
        return;
    }
    let number = count(listed.staff.len() as u64, "person").replace("persons", "people");
    let rows = listed.staff.into_iter().map(|member| {
        vec![
            member.id.into(),
            member.username.map_or_else(|| faint("none"), Into::into),
            member.full_name.into(),
            role(member.role),
            match member.holds {
                0 => faint("none"),
                some => some.to_string().into(),
            },
            member.last_seen.map_or_else(|| faint("never"), |seen| when(seen).into()),
        ]
    });
    out.data(table(&["ID", "USERNAME", "NAME", "ROLE", "HOLDS", "LAST SEEN"], rows.collect()));
    out.say(format_args!("\n{number}"));
}

fn role(role: Role) -> Cell {
    match role {
        Role::Admin => bad("admin"),
        Role::Senior => notable("senior"),
        Role::User | Role::Viewer | Role::Moderator => role.name().into(),
    }
}
