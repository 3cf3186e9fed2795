//! `banter stats moderation`.

use std::io;

use banter_core::moderation::Staff;
use banter_core::moderation::stats::{Spread, Stats};
use chrono::NaiveDate;
use serde::Serialize;

use super::super::{ledger, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, fields, good, table};

#[derive(Serialize)]
struct Report {
    stats: Stats,
}

pub(super) async fn run(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    csv: bool,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let days = ledger::days(from, to)?;
    let (start, end) = days.span();
    let stats = with_banter(settings.for_data()?, async |banter| {
        Ok(banter.moderation().stats(Staff::OPERATOR, start, end).await?)
    });
    let stats = stats.await?;
    if out.is_json() {
        out.json(&Report { stats });
    } else if csv {
        out.data(
            lines(&stats)
                .map_err(|error| Failure::ours(format!("the numbers cannot be written: {error}")))?,
        );
    } else {
        out.say(format_args!("{} to {}, days of India", days.from, days.to));
        tell(&stats, out);
    }
    Ok(ExitStatus::Done)
}

/// What, of which, how many.
fn flat(stats: &Stats) -> Vec<(&'static str, String, String)> {
    let mut flat = Vec::new();
    let mut add = |what, of: &str, number: String| flat.push((what, of.to_owned(), number));
    let backlog = &stats.backlog;
    for (of, number) in [
        ("open", backlog.open),
        ("overdue", backlog.overdue),
        ("escalated", backlog.escalated),
        ("claimed", backlog.claimed),
        ("awaiting", backlog.awaiting),
        ("appeals", backlog.appeals),
    ] {
        add("backlog", of, number.to_string());
    }
    for (what, number) in [
        ("reports", stats.reports),
        ("cases_opened", stats.cases_opened),
        ("cases_decided", stats.cases_decided),
        ("dismissed", stats.dismissed),
        ("action_taken", stats.action_taken),
        ("late", stats.late),
        ("appeals_decided", stats.appeals.decided),
        ("appeals_overturned", stats.appeals.overturned),
    ] {
        add(what, "", number.to_string());
    }
    for (what, spread) in
        [("seconds_to_action", &stats.time_to_action), ("seconds_to_acknowledge", &stats.time_to_acknowledge)]
    {
        if let Some(spread) = spread {
            add(what, "p50", format!("{:.0}", spread.p50));
            add(what, "p90", format!("{:.0}", spread.p90));
        }
    }
    for reason in &stats.by_reason {
        add("decided_by_reason", reason.reason.name(), reason.decided.to_string());
        add("action_taken_by_reason", reason.reason.name(), reason.action_taken.to_string());
    }
    for action in &stats.by_action {
        add("imposed", action.action.name(), action.imposed.to_string());
        add("reversed", action.action.name(), action.reversed.to_string());
    }
    flat
}

fn lines(stats: &Stats) -> io::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["what", "of", "number"])?;
    for (what, of, number) in flat(stats) {
        csv.write_record([what, &of, &number])?;
    }
    let bytes = csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(text.trim_end().to_owned())
}

fn length(spread: Option<&Spread>) -> Cell {
    let Some(spread) = spread else { return faint("nothing decided") };
    format!("{} half of them, {} nine of ten", spoken(spread.p50), spoken(spread.p90)).into()
}

/// `45 s`, `12 min`, `3.5 h`, `2.1 d`.
fn spoken(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 129_600.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

fn warned(number: i64) -> Cell {
    if number > 0 { bad(number.to_string()) } else { good("0") }
}

fn tell(stats: &Stats, out: &Printer) {
    let backlog = &stats.backlog;
    let rate =
        stats.appeals.overturn_rate.map_or_else(String::new, |rate| format!(" ({:.0} %)", rate * 100.0));
    out.data(fields(vec![
        ("open now", backlog.open.to_string().into()),
        ("past their due time", warned(backlog.overdue)),
        ("handed up", backlog.escalated.to_string().into()),
        ("held", backlog.claimed.to_string().into()),
        ("await a second person", backlog.awaiting.to_string().into()),
        ("appeals that wait", backlog.appeals.to_string().into()),
        ("oldest", backlog.oldest_opened_at.map_or_else(|| faint("none"), |oldest| when(oldest).into())),
        ("reports", stats.reports.to_string().into()),
        ("cases opened", stats.cases_opened.to_string().into()),
        (
            "cases decided",
            format!(
                "{}: {} dismissed, {} with action",
                stats.cases_decided, stats.dismissed, stats.action_taken
            )
            .into(),
        ),
        ("decided late", warned(stats.late)),
        ("time to action", length(stats.time_to_action.as_ref())),
        ("time to first look", length(stats.time_to_acknowledge.as_ref())),
        (
            "appeals decided",
            format!("{}, {} overturned{rate}", stats.appeals.decided, stats.appeals.overturned).into(),
        ),
    ]));
    if !stats.by_reason.is_empty() {
        let rows = stats.by_reason.iter().map(|reason| {
            vec![
                reason.reason.name().into(),
                reason.decided.to_string().into(),
                reason.action_taken.to_string().into(),
            ]
        });
        out.data("");
        out.data(table(&["REASON", "DECIDED", "WITH ACTION"], rows.collect()));
    }
    if !stats.by_action.is_empty() {
        let rows = stats.by_action.iter().map(|action| {
            vec![
                action.action.name().into(),
                action.imposed.to_string().into(),
                action.reversed.to_string().into(),
            ]
        });
        out.data("");
        out.data(table(&["ACTION", "IMPOSED", "REVERSED"], rows.collect()));
    }
    if !stats.by_moderator.is_empty() {
        let rows = stats.by_moderator.iter().map(|load| {
            vec![
                load.username.clone().map_or_else(|| load.id.into(), Into::into),
                load.decided.to_string().into(),
                load.overturned.to_string().into(),
            ]
        });
        out.data("");
        out.data(table(&["MODERATOR", "DECIDED", "OVERTURNED"], rows.collect()));
    }
}
