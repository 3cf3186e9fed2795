//! `banter payments list`: transactions, page by page.

use banter_core::page::PageRequest;
use banter_core::payments::administration::{Filter, Kind, Listed};
use banter_core::payments::state::Status;
use chrono::NaiveDate;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde::Serialize;

use super::day;
use crate::commands::user::find;
use crate::commands::{count, when};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};
use crate::table::{Cell, bad, faint, good, notable, table};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only this person's: id, phone number or username
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::name)).map(|name| status(&name)))]
    status: Option<Status>,
    /// Only these
    #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)).map(|name| kind(&name)))]
    kind: Option<Kind>,
    /// Only of this package or plan
    #[arg(long)]
    item: Option<String>,
    /// Made on this day or later
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<NaiveDate>,
    /// Made on this day or earlier
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<NaiveDate>,
    /// How many at most, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

fn status(name: &str) -> Status {
    Status::ALL.into_iter().find(|status| status.name() == name).expect("one of them")
}

fn kind(name: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).expect("one of them")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    transactions: Vec<Listed>,
    next_cursor: Option<String>,
}

pub(super) async fn list(args: ListArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let config = settings.for_data()?;
    let page = PageRequest { limit: args.limit, cursor: args.after };
    let found = with_banter(config, async |banter| {
        let user = match &args.user {
            Some(name) => Some(find(banter, name).await?),
            None => None,
        };
        let filter = Filter {
            user,
            status: args.status,
            kind: args.kind,
            item: args.item,
            since: args.since,
            until: args.until,
        };
        Ok(banter.payments().list(&filter, &page).await?)
    })
    .await?;
    let transactions = found.items;
    if out.is_json() {
        out.json(&Report { transactions, next_cursor: found.next_cursor });
        return Ok(ExitStatus::Done);
    }
    if transactions.is_empty() {
        out.say("no payment fits");
        return Ok(ExitStatus::Done);
    }
    let number = transactions.len() as u64;
    let rows = transactions.into_iter().map(|one| {
        vec![
            one.id.into(),
            what(one.kind).into(),
            standing(one.status),
            one.user.into(),
            one.item.map_or_else(|| faint("none"), Cell::from),
            one.amount.into(),
            one.payment_method.map_or_else(|| faint("none"), Cell::from),
            when(one.created_at).into(),
        ]
    });
    let heading = ["ID", "KIND", "STATUS", "USER", "ITEM", "AMOUNT", "METHOD", "MADE"];
    out.data(table(&heading, rows.collect()));
    match found.next_cursor {
        Some(cursor) => {
            out.say(format_args!("\n{}, and there are more: --after {cursor}", count(number, "transaction")));
        }
        None => out.say(format_args!("\n{}", count(number, "transaction"))),
    }
    Ok(ExitStatus::Done)
}

pub(super) fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::CoinPurchase => "coins",
        Kind::Subscription => "premium",
        Kind::Refund => "refund",
    }
}

pub(super) fn standing(status: Status) -> Cell {
    match status {
        Status::Success => good(status.name()),
        Status::Pending | Status::PartiallyRefunded => notable(status.name()),
        Status::Failed => bad(status.name()),
        Status::Abandoned | Status::Refunded => status.name().into(),
    }
}
