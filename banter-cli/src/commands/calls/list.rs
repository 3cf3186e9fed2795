//! `banter calls list`: calls, page by page.

use banter_core::calls::administration::{Filter, Listed};
use banter_core::calls::{CallType, Status};
use banter_core::ids::{CallId, ConversationId, UserId};
use banter_core::page::PageRequest;
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use crate::commands::user::find;
use crate::commands::{count, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, good, notable, table};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those that ring or go on
    #[arg(long)]
    live: bool,
    /// Only this person's: id, phone number or username
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// How many at most, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    calls: Vec<ReportedCall>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportedCall {
    pub(super) id: CallId,
    pub(super) call_type: CallType,
    pub(super) status: Status,
    caller_id: UserId,
    pub(super) caller: String,
    receiver_id: Option<UserId>,
    pub(super) receiver: Option<String>,
    pub(super) conversation_id: Option<ConversationId>,
    pub(super) livekit_room: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) duration: Option<i32>,
    pub(super) end_reason: Option<String>,
}

impl From<Listed> for ReportedCall {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            call_type: listed.call_type,
            status: listed.status,
            caller_id: listed.caller_id,
            caller: listed.caller,
            receiver_id: listed.receiver_id,
            receiver: listed.receiver,
            conversation_id: listed.conversation_id,
            livekit_room: listed.livekit_room,
            started_at: listed.started_at,
            answered_at: listed.answered_at,
            ended_at: listed.ended_at,
            duration: listed.duration,
            end_reason: listed.end_reason,
        }
    }
}

pub(super) async fn list(args: ListArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let page = PageRequest { limit: args.limit, cursor: args.after };
    let found = with_banter(config, async |banter| {
        let user = match &args.user {
            Some(name) => Some(find(banter, name).await?),
            None => None,
        };
        Ok(banter.calls().list(Filter { live: args.live, user }, &page).await?)
    })
    .await?;
    let calls: Vec<ReportedCall> = found.items.into_iter().map(ReportedCall::from).collect();
    if out.is_json() {
        out.json(&Report { calls, next_cursor: found.next_cursor });
        return Ok(ExitStatus::Done);
    }
    if calls.is_empty() {
        out.say(if args.live { "nobody talks" } else { "no call fits" });
        return Ok(ExitStatus::Done);
    }
    let number = calls.len() as u64;
    let rows = calls.into_iter().map(|call| {
        vec![
            call.id.into(),
            call.call_type.name().into(),
            status(call.status),
            call.caller.clone().into(),
            receiver(&call),
            when(call.started_at).into(),
            length(call.duration),
        ]
    });
    out.data(table(&["ID", "TYPE", "STATUS", "CALLER", "RECEIVER", "STARTED", "LENGTH"], rows.collect()));
    match found.next_cursor {
        Some(cursor) => {
            out.say(format_args!("\n{}, and there are more: --after {cursor}", count(number, "call")));
        }
        None => out.say(format_args!("\n{}", count(number, "call"))),
    }
    Ok(ExitStatus::Done)
}

pub(super) fn receiver(call: &ReportedCall) -> Cell {
    match (&call.receiver, call.conversation_id) {
        (Some(name), _) => name.clone().into(),
        (None, Some(group)) => format!("group {group}").into(),
        (None, None) => faint("none"),
    }
}

pub(super) fn status(status: Status) -> Cell {
    match status {
        Status::Answered => good(status.name()),
        Status::Initiated | Status::Ringing => notable(status.name()),
        Status::Failed => bad(status.name()),
        Status::Completed | Status::Rejected | Status::Missed | Status::Cancelled | Status::Busy => {
            status.name().into()
        }
    }
}

/// `1:05`.
pub(super) fn length(seconds: Option<i32>) -> Cell {
    seconds.map_or_else(|| faint("none"), |seconds| format!("{}:{:02}", seconds / 60, seconds % 60).into())
}
