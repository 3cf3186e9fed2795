//! `banter ledger`: the proof that the money is right.

use banter_core::clock::Clock;
use banter_core::ids::UserId;
use banter_core::payments::audit::razorpay::{Compared, Difference};
use banter_core::payments::audit::{Audited, Finding};
use banter_core::payments::revenue::Days;
use banter_core::{Banter, payments};
use chrono::{Datelike as _, NaiveDate};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::count;
use super::user::find;
use crate::args::examples;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, with_banter};

/// Prove that every balance is right
#[derive(Debug, Args)]
#[command(after_help = examples!["banter ledger audit" "banter ledger audit --razorpay"])]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Compare balances, entries, payments, refunds and gifts
    ///
    /// In one snapshot, while everything goes on. Ends with 1 when anything is wrong.
    #[command(after_help = examples![
        "banter ledger audit"
        "banter ledger audit --user asha"
        "banter ledger audit --razorpay --from 2026-11-01 --to 2026-11-30"
        "banter --json ledger audit | jq -r '.findings[].kind'"
    ])]
    Audit(AuditArgs),
}

#[derive(Debug, Args)]
struct AuditArgs {
    /// Only this person's: id, phone number or username
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Compare with Razorpay's own list of payments as well
    #[arg(long)]
    razorpay: bool,
    /// From this day on, in India; 30 days ago unless told
    #[arg(long, value_name = "YYYY-MM-DD", requires = "razorpay")]
    from: Option<NaiveDate>,
    /// Up to and with this day; today unless told
    #[arg(long, value_name = "YYYY-MM-DD", requires = "razorpay")]
    to: Option<NaiveDate>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    clean: bool,
    users: u64,
    entries: u64,
    /// How many there are; the list ends at a thousand.
    found: u64,
    findings: Vec<Told<Finding>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    razorpay: Option<RazorpayReport>,
}

#[derive(Serialize)]
struct RazorpayReport {
    payments: u64,
    differences: Vec<Told<Difference>>,
}

/// With its sentence.
#[derive(Serialize)]
struct Told<T> {
    #[serde(flatten)]
    what: T,
    message: String,
}

impl<T: ToString> From<T> for Told<T> {
    fn from(what: T) -> Self {
        Self { message: what.to_string(), what }
    }
}

pub(crate) async fn run(args: LedgerArgs, settings: &Settings, out: &Printer) -> Result<ExitStatus, Failure> {
    let Act::Audit(args) = args.act;
    let days = days(args.from, args.to)?;
    // Razorpay's keys are no part of the data.
    let config = if args.razorpay { settings.for_payments()? } else { settings.for_data()? };
    with_banter(config, async |banter| {
        let user = match &args.user {
            Some(name) => Some(find(banter, name).await?),
            None => None,
        };
        let audited = audit(banter, user, out).await?;
        if !out.is_json() {
            tell(&audited, out);
        }
        let compared = if args.razorpay { Some(compare(banter, days, out).await?) } else { None };
        let clean =
            audited.is_clean() && compared.as_ref().is_none_or(|compared| compared.differences.is_empty());
        if out.is_json() {
            json(clean, audited, compared, out);
        } else if let Some(compared) = &compared {
            tell_compared(compared, out);
        }
        Ok(if clean { ExitStatus::Done } else { ExitStatus::UserError })
    })
    .await
}

/// The last thirty unless told.
pub(super) fn days(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Days, Failure> {
    let usual = Days::last(30, Clock::System.now());
    let to = to.unwrap_or(usual.to);
    let from = from.unwrap_or(usual.from.min(to));
    if [from, to].iter().any(|day| !(1970..=9999).contains(&day.year())) {
        return Err(Failure::user("a day of the years 1970 to 9999 is wanted"));
    }
    if from > to {
        return Err(Failure::user(format!("`--from {from}` is after `--to {to}`")));
    }
    Ok(Days { from, to })
}

async fn audit(banter: &Banter, user: Option<UserId>, out: &Printer) -> Result<Audited, payments::Error> {
    let all = if user.is_some() { 1 } else { banter.payments().to_audit().await? };
    let bar = out.bar(all, "people  ");
    let audited = banter.payments().audit(user, |done| bar.set_position(done)).await;
    bar.finish_and_clear();
    audited
}

async fn compare(banter: &Banter, days: Days, out: &Printer) -> Result<Compared, Failure> {
    let (from, to) = days.span();
    let bar = out.bar(0, "payments");
    let compared = banter.payments().compare_with_razorpay(from, to, |done| bar.set_position(done)).await;
    bar.finish_and_clear();
    Ok(compared?)
}

fn json(clean: bool, audited: Audited, compared: Option<Compared>, out: &Printer) {
    out.json(&Report {
        clean,
        users: audited.users,
        entries: audited.entries,
        found: audited.found,
        findings: audited.findings.into_iter().map(Told::from).collect(),
        razorpay: compared.map(|compared| RazorpayReport {
            payments: compared.payments,
            differences: compared.differences.into_iter().map(Told::from).collect(),
        }),
    });
}

fn tell(audited: &Audited, out: &Printer) {
    for finding in &audited.findings {
        out.data(finding);
    }
    let shown = audited.findings.len() as u64;
    if audited.found > shown {
        out.say(format_args!("and {} more", indicatif::HumanCount(audited.found - shown)));
    }
    let books = format!(
        "{} in {}",
        of(audited.entries, "entry", "entries"),
        of(audited.users, "account", "accounts")
    );
    if audited.is_clean() {
        out.say(format_args!("the books are right: {books}"));
    } else {
        out.say(format_args!("\n{} in {books}", count(audited.found, "finding")));
    }
}

fn tell_compared(compared: &Compared, out: &Printer) {
    for difference in &compared.differences {
        out.data(difference);
    }
    let payments = count(compared.payments, "payment");
    match compared.differences.len() as u64 {
        0 => out.say(format_args!("Razorpay agrees: {payments}")),
        some => out.say(format_args!("\n{} to Razorpay's {payments}", count(some, "difference"))),
    }
}

fn of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", indicatif::HumanCount(number), if number == 1 { one } else { many })
}
