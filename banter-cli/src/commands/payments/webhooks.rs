//! `banter payments webhooks`: what Razorpay told, what became of it, and having it applied again.

use banter_core::page::PageRequest;
use banter_core::payments::administration::events::{Filter, Listed};
use banter_core::payments::webhooks::State;
use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::{day, failure};
use crate::args::examples;
use crate::commands::{confirm, count, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, faint, fields, good, notable, table};

#[derive(Debug, Args)]
#[command(after_help = examples![
    "banter payments webhooks list --state refused"
    "banter payments webhooks show EiyYZ8yt2LkxUM"
    "banter payments webhooks replay --refused"
])]
pub(super) struct WebhooksArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List events, newest first
    ///
    /// received: waits to be applied · applied · ignored: concerns nothing of ours · refused: contradicts what is known, somebody
    /// should look · unknown: of a kind that this version does not know.
    #[command(after_help = examples![
        "banter payments webhooks list --state refused"
        "banter payments webhooks list --kind payment.captured --since 2026-11-22"
    ])]
    List {
        /// Only those that stand so
        #[arg(long, value_parser = PossibleValuesParser::new(State::ALL.map(State::name)).map(|name| state(&name)))]
        state: Option<State>,
        /// Only these, by Razorpay's name: `payment.captured`
        #[arg(long)]
        kind: Option<String>,
        /// Came on this day or later
        #[arg(long, value_name = "DAY", value_parser = day)]
        since: Option<NaiveDate>,
        /// How many at most, 1 to 500
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
        /// Go on after the page that ended with this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show an event and what it says; who paid was never stored
    #[command(after_help = examples!["banter payments webhooks show EiyYZ8yt2LkxUM"])]
    Show {
        /// As `banter payments webhooks list` gives it
        id: String,
    },
    /// Have events applied again, each once, oldest first
    ///
    /// Does what they say by the rules of today, as if they came now: harmless where that was done already.
    #[command(after_help = examples![
        "banter payments webhooks replay EiyYZ8yt2LkxUM"
        "banter payments webhooks replay --unknown --yes     after an update that knows them"
    ])]
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "refused", "unknown", "received"]))]
struct ReplayArgs {
    /// As `banter payments webhooks list` gives them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All that were refused
    #[arg(long)]
    refused: bool,
    /// All of a kind that was not known
    #[arg(long)]
    unknown: bool,
    /// All that wait to be applied
    #[arg(long)]
    received: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

fn state(name: &str) -> State {
    State::ALL.into_iter().find(|state| state.name() == name).expect("one of them")
}

pub(super) async fn run(
    args: WebhooksArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::List { state, kind, since, limit, after } => {
            let page = PageRequest { limit, cursor: after };
            list(&Filter { state, kind, since }, &page, settings, out).await
        }
        Act::Show { id } => show(&id, settings, out).await,
        Act::Replay(args) => replay(args, settings, out).await,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    events: Vec<Listed>,
    next_cursor: Option<String>,
}

async fn list(
    filter: &Filter,
    page: &PageRequest,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let found = with_banter(config, async |banter| Ok(banter.payments().events(filter, page).await?)).await?;
    if out.is_json() {
        out.json(&Report { events: found.items, next_cursor: found.next_cursor });
        return Ok(ExitStatus::Done);
    }
    if found.items.is_empty() {
        out.say("no event fits");
        return Ok(ExitStatus::Done);
    }
    let number = found.items.len() as u64;
    out.data(events(found.items));
    match found.next_cursor {
        Some(cursor) => {
            out.say(format_args!("\n{}, and there are more: --after {cursor}", count(number, "event")));
        }
        None => out.say(format_args!("\n{}", count(number, "event"))),
    }
    Ok(ExitStatus::Done)
}

fn events(events: Vec<Listed>) -> String {
    let rows = events.into_iter().map(|event| {
        let became = became(&event);
        let note = event.note.map_or_else(|| faint("none"), Cell::from);
        vec![event.id.into(), event.kind.into(), became, when(event.received_at).into(), note]
    });
    table(&["ID", "EVENT", "STATE", "CAME", "NOTE"], rows.collect())
}

pub(super) fn became(event: &Listed) -> Cell {
    match event.state {
        State::Applied => good(event.state.name()),
        State::Received | State::Unknown => notable(event.state.name()),
        State::Refused => bad(event.state.name()),
        State::Ignored => faint(event.state.name()),
    }
}

#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    event: Listed,
    payload: Value,
}

async fn show(id: &str, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let (event, payload) =
        with_banter(config, async |banter| banter.payments().event(id).await.map_err(failure)).await?;
    if out.is_json() {
        out.json(&Whole { event, payload });
        return Ok(ExitStatus::Done);
    }
    let state = became(&event);
    let mut rows: Vec<(&str, Cell)> = vec![
        ("id", event.id.into()),
        ("event", event.kind.into()),
        ("state", state),
        ("came", when(event.received_at).into()),
        ("worked off", event.applied_at.map_or_else(|| faint("never"), |time| when(time).into())),
    ];
    rows.extend(event.note.map(|note| ("note", notable(note))));
    out.data(format!("{}\n\n{payload:#}", fields(rows)));
    Ok(ExitStatus::Done)
}

async fn replay(args: ReplayArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    name_target(&config, out)?;
    let state = match (args.refused, args.unknown, args.received) {
        (true, _, _) => Some(State::Refused),
        (_, true, _) => Some(State::Unknown),
        (_, _, true) => Some(State::Received),
        (false, false, false) => None,
    };
    let done = with_banter(config, async |banter| {
        let payments = banter.payments();
        let ids = match state {
            Some(state) => payments.events_in(state).await?,
            None => {
                // All are there, or none is touched.
                for id in &args.ids {
                    payments.event(id).await.map_err(failure)?;
                }
                args.ids
            }
        };
        let number = count(ids.len() as u64, "event");
        if !ids.is_empty() && !args.yes {
            confirm(format_args!("this applies {number} again"), "replay", "nothing was applied", out)?;
        }
        let bar = out.bar(ids.len() as u64, "applying");
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            payments.replay(&id).await.map_err(failure)?;
            done.push(payments.event(&id).await.map_err(failure)?.0);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(done)
    })
    .await?;
    let refused = done.iter().filter(|event| event.state == State::Refused).count() as u64;
    if out.is_json() {
        out.json(&Report { events: done, next_cursor: None });
    } else if done.is_empty() {
        out.say("no event stands so");
    } else {
        out.data(events(done));
    }
    if refused > 0 {
        out.say(format_args!("\n{} refused; the note says why", count(refused, "event")));
        return Ok(ExitStatus::UserError);
    }
    Ok(ExitStatus::Done)
}
