//! `banter rooms`: the places where people talk, and closing one.

use banter_core::ids::{RoomId, UserId};
use banter_core::page::PageRequest;
use banter_core::rooms::close::Because;
use banter_core::rooms::desk::{Inside, Listed, Shown};
use banter_core::rooms::policy::Role;
use banter_core::rooms::{self, RoomType};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{confirm, count, when};
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable, table};

/// Look at rooms, and close one
#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter rooms list"
    "banter rooms show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"
    "banter rooms close 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --reason \"threats\""
])]
pub(crate) struct RoomsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List live rooms, newest first, private ones among them
    #[command(after_help = examples![
        "banter rooms list --all --limit 100"
        "banter --json rooms list | jq '[.rooms[].memberCount] | add'"
    ])]
    List {
        /// Those that are over, too
        #[arg(long)]
        all: bool,
        /// How many at most, 1 to 500
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
        /// Go on after the page that ended with this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show a room and who is in it
    #[command(after_help = examples!["banter rooms show 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1"])]
    Show {
        /// As `banter rooms list` shows it
        #[arg(value_parser = id)]
        room: RoomId,
    },
    /// Close a room: everybody is out at once, and nobody finds it any more
    ///
    /// What was written in it stays stored. Asks for `close` to be typed.
    #[command(after_help = examples![
        "banter rooms close 01980a52-7d1c-7e3b-a1a5-d54a4bb9c0a1 --reason \"threats\""
    ])]
    Close {
        /// As `banter rooms list` shows it
        #[arg(value_parser = id)]
        room: RoomId,
        /// Why; kept for good
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn id(text: &str) -> Result<RoomId, &'static str> {
    text.parse().map_err(|_| "expected a room's id, as `banter rooms list` shows it")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    rooms: Vec<ReportedRoom>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedRoom {
    id: RoomId,
    name: String,
    room_type: RoomType,
    is_public: bool,
    member_count: i32,
    max_members: i32,
    host: Option<String>,
    created_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
}

impl From<Listed> for ReportedRoom {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            name: listed.name,
            room_type: listed.room_type,
            is_public: listed.is_public,
            member_count: listed.member_count,
            max_members: listed.max_members,
            host: listed.host_username,
            created_at: listed.created_at,
            closed_at: listed.closed_at,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedWhole {
    #[serde(flatten)]
    room: ReportedRoom,
    description: Option<String>,
    closed_because: Option<Because>,
    closed_note: Option<String>,
    livekit_room: Option<String>,
    members: Vec<ReportedMember>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportedMember {
    id: UserId,
    username: Option<String>,
    full_name: String,
    role: Role,
    is_muted: bool,
    is_connected: bool,
    joined_at: DateTime<Utc>,
}

impl From<Inside> for ReportedMember {
    fn from(inside: Inside) -> Self {
        Self {
            id: inside.id,
            username: inside.username,
            full_name: inside.full_name,
            role: inside.role,
            is_muted: inside.is_muted,
            is_connected: inside.is_connected,
            joined_at: inside.joined_at,
        }
    }
}

impl From<Shown> for ReportedWhole {
    fn from(shown: Shown) -> Self {
        Self {
            room: shown.room.into(),
            description: shown.description,
            closed_because: shown.closed_because,
            closed_note: shown.closed_note,
            livekit_room: shown.livekit_room,
            members: shown.members.into_iter().map(ReportedMember::from).collect(),
        }
    }
}

pub(crate) async fn run(args: RoomsArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    match args.act {
        Act::List { all, limit, after } => {
            let page = PageRequest { limit, cursor: after };
            let found =
                with_banter(config, async |banter| Ok(banter.rooms().list(all, &page).await?)).await?;
            let rooms = found.items.into_iter().map(ReportedRoom::from).collect();
            list(Report { rooms, next_cursor: found.next_cursor }, out);
        }
        Act::Show { room } => {
            let shown = with_banter(config, async |banter| {
                banter.rooms().show(room).await.map_err(|error| failure(room, error))
            });
            show(shown.await?.into(), out);
        }
        Act::Close { room, reason, yes } => {
            name_target(&config, out)?;
            let closed = with_banter(config, async |banter| {
                let shown = banter.rooms().show(room).await.map_err(|error| failure(room, error))?.room;
                if shown.closed_at.is_some() {
                    return Err(Failure::user(format!("room `{room}` is over already")));
                }
                if !yes {
                    confirm(question(&shown), "close", "nothing was closed", out)?;
                }
                banter.rooms().close_for_staff(room, &reason).await.map_err(|error| failure(room, error))?;
                Ok(banter.rooms().show(room).await?)
            });
            let closed = closed.await?;
            if out.is_json() {
                out.json(&ReportedWhole::from(closed));
            } else {
                out.say(format_args!("{} is closed; everybody is out", closed.room.name));
            }
        }
    }
    Ok(ExitStatus::Done)
}

fn failure(room: RoomId, error: rooms::Error) -> Failure {
    match error {
        rooms::Error::RoomNotFound => Failure::user(format!("there is no room `{room}`"))
            .hint("`banter rooms list --all` lists them all"),
        error => error.into(),
    }
}

fn question(room: &Listed) -> String {
    let people = match room.member_count {
        1 => "1 person".to_owned(),
        many => format!("{many} people"),
    };
    format!("this ends {} for {people}", room.name)
}

fn kind(room_type: RoomType) -> &'static str {
    match room_type {
        RoomType::Voice => "voice",
        RoomType::Video => "video",
        RoomType::Text => "text",
    }
}

fn end(closed_at: Option<DateTime<Utc>>) -> Cell {
    closed_at.map_or_else(|| good("live"), |closed| faint(format!("closed {}", when(closed))))
}

fn list(report: Report, out: &Printer) {
    if out.is_json() {
        out.json(&report);
        return;
    }
    if report.rooms.is_empty() {
        out.say("no room fits");
        return;
    }
    let number = report.rooms.len() as u64;
    let rows = report.rooms.into_iter().map(|room| {
        vec![
            room.id.into(),
            room.name.into(),
            kind(room.room_type).into(),
            if room.is_public { "public".into() } else { notable("private") },
            format!("{}/{}", room.member_count, room.max_members).into(),
            room.host.map_or_else(|| faint("nobody"), Into::into),
            when(room.created_at).into(),
            end(room.closed_at),
        ]
    });
    let heading = ["ID", "NAME", "TYPE", "OPEN TO", "PEOPLE", "HOST", "CREATED", "STATE"];
    out.data(table(&heading, rows.collect()));
    match report.next_cursor {
        Some(cursor) => {
            out.say(format_args!("\n{}, and there are more: --after {cursor}", count(number, "room")));
        }
        None => out.say(format_args!("\n{}", count(number, "room"))),
    }
}

fn show(shown: ReportedWhole, out: &Printer) {
    if out.is_json() {
        out.json(&shown);
        return;
    }
    let room = shown.room;
    let mut rows: Vec<(&str, Cell)> = vec![
        ("id", room.id.into()),
        ("name", room.name.into()),
        ("description", shown.description.map_or_else(|| faint("none"), Into::into)),
        ("type", kind(room.room_type).into()),
        ("open to", if room.is_public { "public".into() } else { notable("private") }),
        ("people", format!("{} of {}", room.member_count, room.max_members).into()),
        ("media room", shown.livekit_room.map_or_else(|| faint("none"), Into::into)),
        ("created", when(room.created_at).into()),
        ("state", end(room.closed_at)),
    ];
    if let Some(because) = shown.closed_because {
        let why = match because {
            Because::Host => "its host closed it",
            Because::Empty => "nobody was in",
            Because::Staff => "staff closed it",
            Because::Failed => "the media server did not take it",
        };
        rows.push((
            "why",
            shown.closed_note.map_or_else(|| why.into(), |note| format!("{why}: {note}").into()),
        ));
    }
    out.data(fields(rows));
    if shown.members.is_empty() {
        return;
    }
    let rows = shown.members.into_iter().map(|member| {
        vec![
            member.id.into(),
            member.username.map_or_else(|| faint("none"), Into::into),
            member.full_name.into(),
            role(member.role),
            if member.is_muted { bad("muted") } else { faint("no") },
            if member.is_connected { good("connected") } else { faint("away") },
            when(member.joined_at).into(),
        ]
    });
    out.data("");
    out.data(table(&["ID", "USERNAME", "NAME", "ROLE", "MUTED", "MEDIA", "JOINED"], rows.collect()));
}

fn role(role: Role) -> Cell {
    match role {
        Role::Host => notable("host"),
        Role::Moderator => notable("moderator"),
        Role::Speaker => "speaker".into(),
        Role::Listener => "listener".into(),
    }
}
