//! `banter calls show`: one call, and who is in it.

use banter_core::calls::administration::Involved;
use banter_core::calls::{Part, Role};
use banter_core::ids::{CallId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::failure;
use super::list::{ReportedCall, length, receiver, status};
use crate::commands::when;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable, table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    call: ReportedCall,
    people: Vec<ShownPerson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownPerson {
    id: UserId,
    full_name: String,
    role: Role,
    state: Part,
    joined_at: Option<DateTime<Utc>>,
    left_at: Option<DateTime<Utc>>,
    connected_at: Option<DateTime<Utc>>,
    absent_since: Option<DateTime<Utc>>,
}

impl From<Involved> for ShownPerson {
    fn from(one: Involved) -> Self {
        Self {
            id: one.id,
            full_name: one.full_name,
            role: one.role,
            state: one.part,
            joined_at: one.joined_at,
            left_at: one.left_at,
            connected_at: one.connected_at,
            absent_since: one.absent_since,
        }
    }
}

pub(super) async fn show(id: CallId, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let shown = with_banter(config, async |banter| shown(banter, id).await).await?;
    if out.is_json() {
        out.json(&shown);
        return Ok(ExitStatus::Done);
    }
    let Shown { call, people } = shown;
    let time = |time: Option<DateTime<Utc>>| time.map_or_else(|| faint("none"), |time| when(time).into());
    let mut rows: Vec<(&str, Cell)> = vec![
        ("id", call.id.into()),
        ("type", call.call_type.name().into()),
        ("status", status(call.status)),
        ("caller", call.caller.clone().into()),
        ("receiver", receiver(&call)),
        ("started", when(call.started_at).into()),
        ("answered", time(call.answered_at)),
        ("ended", time(call.ended_at)),
        ("length", length(call.duration)),
        ("media room", call.livekit_room.into()),
    ];
    if let Some(reason) = call.end_reason {
        rows.push(("ended because", notable(reason)));
    }
    let people = people.into_iter().map(|one| {
        let role = match one.role {
            Role::Caller => "caller",
            Role::Receiver => "receiver",
        };
        vec![
            one.full_name.into(),
            role.into(),
            part(one.state),
            media(one.state, one.connected_at, one.absent_since),
        ]
    });
    out.data(format!("{}\n\n{}", fields(rows), table(&["NAME", "ROLE", "STATE", "MEDIA"], people.collect())));
    Ok(ExitStatus::Done)
}

pub(super) async fn shown(banter: &banter_core::Banter, id: CallId) -> Result<Shown, Failure> {
    let (call, people) = banter.calls().show(id).await.map_err(failure)?;
    Ok(Shown { call: call.into(), people: people.into_iter().map(ShownPerson::from).collect() })
}

fn part(part: Part) -> Cell {
    match part {
        Part::Joined => good("joined"),
        Part::Ringing => notable("ringing"),
        Part::Left => "left".into(),
        Part::Rejected => "rejected".into(),
        Part::Missed => "missed".into(),
        Part::Busy => "busy".into(),
    }
}

/// Whether they are at the media server, as we last saw it.
fn media(part: Part, connected: Option<DateTime<Utc>>, absent: Option<DateTime<Utc>>) -> Cell {
    match (part, connected, absent) {
        (Part::Joined, _, Some(since)) => bad(format!("away since {}", when(since))),
        (Part::Joined, Some(_), None) => good("there"),
        (Part::Joined, None, None) => faint("unknown"),
        (Part::Ringing | Part::Left | Part::Rejected | Part::Missed | Part::Busy, Some(at), _) => {
            format!("first seen {}", when(at)).into()
        }
        (Part::Ringing | Part::Left | Part::Rejected | Part::Missed | Part::Busy, None, _) => faint("never"),
    }
}
