//! `banter stats`: numbers for people who run a business; [`moderation`] for those who keep order.

mod moderation;

use banter_core::money::Paise;
use banter_core::payments::revenue::{Attempts, By, Line, Revenue};
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use super::ledger::days;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, table};

/// What came in, how well paying works, and how moderation goes
#[derive(Debug, Args)]
#[command(after_help = examples!["banter stats revenue" "banter stats revenue --by month --from 2026-04-01" "banter stats moderation"])]
pub(crate) struct StatsArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Payments, refunds, tax and fees, and how attempts to pay ended
    ///
    /// Days are India's. A refund counts on the day it was decided.
    #[command(after_help = examples![
        "banter stats revenue"
        "banter stats revenue --by item --from 2026-11-01 --to 2026-11-30"
        "banter --json stats revenue --by month | jq '.total.net'"
    ])]
    Revenue {
        /// From this day on, in India; 30 days ago unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Up to and with this day; today unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        /// What a line is
        #[arg(long, value_enum, default_value_t = ByName::Day)]
        by: ByName,
    },
    /// The queue now, how long decisions took, what was done, and what was overturned
    ///
    /// Days are India's.
    #[command(after_help = examples![
        "banter stats moderation"
        "banter stats moderation --from 2026-10-01 --to 2026-10-31 --csv"
        "banter --json stats moderation | jq .stats.backlog"
    ])]
    Moderation {
        /// From this day on, in India; 30 days ago unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Up to and with this day; today unless told
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        /// As lines of CSV: what, of which, number
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ByName {
    Day,
    Month,
    Item,
    Method,
}

impl From<ByName> for By {
    fn from(name: ByName) -> Self {
        match name {
            ByName::Day => Self::Day,
            ByName::Month => Self::Month,
            ByName::Item => Self::Item,
            ByName::Method => Self::Method,
        }
    }
}

pub(crate) async fn run(args: StatsArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    match args.act {
        Act::Revenue { from, to, by } => revenue(from, to, by, settings, out).await,
        Act::Moderation { from, to, csv } => moderation::run(from, to, csv, settings, out).await,
    }
}

async fn revenue(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    by: ByName,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let days = days(from, to)?;
    let config = settings.for_data()?;
    let revenue =
        with_banter(config, async |banter| Ok(banter.payments().revenue(days, by.into()).await?)).await?;
    if out.is_json() {
        out.json(&revenue);
    } else {
        tell(&revenue, by, out);
    }
    Ok(ExitStatus::Done)
}

fn tell(revenue: &Revenue, by: ByName, out: &Printer) {
    let span = format!("{} to {}", revenue.days.from, revenue.days.to);
    if revenue.lines.is_empty() {
        out.say(format_args!("nothing was paid or refunded: {span}"));
    } else {
        let first = match by {
            ByName::Day => "DAY",
            ByName::Month => "MONTH",
            ByName::Item => "ITEM",
            ByName::Method => "METHOD",
        };
        let total = Line { of: "total".into(), ..revenue.total.clone() };
        let rows = revenue.lines.iter().chain([&total]).map(line);
        out.data(table(
            &[first, "PAYMENTS", "BUYERS", "GROSS", "REFUNDS", "REFUNDED", "NET", "GST IN NET", "FEES"],
            rows.collect(),
        ));
        out.say(format_args!("\n{span}, days of India"));
    }
    if revenue.attempts.is_empty() {
        out.say("nobody tried to pay");
        return;
    }
    out.data("");
    out.data(table(
        &["METHOD", "BEGUN", "PAID", "FAILED", "ABANDONED", "PENDING", "SUCCESS", "WHY THEY FAILED"],
        revenue.attempts.iter().map(attempts).collect(),
    ));
}

fn line(line: &Line) -> Vec<Cell> {
    vec![
        line.of.clone().into(),
        line.payments.into(),
        line.buyers.into(),
        line.gross.into(),
        line.refunds.into(),
        line.refunded.into(),
        if line.net < Paise(0) { bad(line.net) } else { line.net.into() },
        line.gst.into(),
        line.fees.into(),
    ]
}

fn attempts(of: &Attempts) -> Vec<Cell> {
    let reasons: Vec<String> =
        of.reasons.iter().map(|reason| format!("{} {}", reason.reason, reason.count)).collect();
    vec![
        of.method.clone().into(),
        of.begun.into(),
        of.paid.into(),
        of.failed.into(),
        of.abandoned.into(),
        of.pending.into(),
        of.rate().map_or_else(|| faint("none"), |rate| format!("{rate:.1}%").into()),
        if reasons.is_empty() { faint("none") } else { reasons.join(", ").into() },
    ]
}
