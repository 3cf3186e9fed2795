//! `banter payments reconcile`: Razorpay's word against ours.

use banter_core::payments::reconcile::Report;
use chrono::NaiveDate;
use clap::Args;

use super::{day, failure};
use crate::commands::count;
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};
use crate::table::{Cell, bad, fields, good, notable};

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct ReconcileArgs {
    /// All payments of a day
    #[arg(long, value_parser = day)]
    day: Option<NaiveDate>,
    /// One order: our id, or Razorpay's
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,
}

pub(super) async fn reconcile(
    args: &ReconcileArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_payments()?;
    name_target(&config, out)?;
    let report = with_banter(config, async |banter| {
        let payments = banter.payments();
        let report = match (&args.order, args.day) {
            (Some(order), _) => {
                let id = payments.find(order.trim()).await.map_err(failure)?;
                out.say("asking Razorpay about the order");
                payments.check_order(id).await
            }
            (None, Some(day)) => {
                out.say(format_args!("asking Razorpay about every payment of {day}"));
                payments.reconcile_day(day).await
            }
            (None, None) => {
                out.say("asking Razorpay about orders that wait for over ten minutes");
                payments.reconcile_waiting().await
            }
        };
        report.map_err(failure)
    })
    .await?;
    if out.is_json() {
        out.json(&report);
    } else {
        out.data(fields(of(&report)));
    }
    if report.unanswered > 0 {
        out.say(format_args!(
            "\n{} went unanswered; run it again later",
            count(u64::from(report.unanswered), "question")
        ));
    }
    if report.refused > 0 {
        out.say(format_args!(
            "\n{} what is known here; the log says which",
            if report.refused == 1 {
                "one contradicts".into()
            } else {
                format!("{} contradict", report.refused)
            }
        ));
    }
    Ok(if report.unanswered + report.refused > 0 { ExitStatus::UserError } else { ExitStatus::Done })
}

fn of(report: &Report) -> Vec<(&'static str, Cell)> {
    let some = |number: u32, style: fn(Cell) -> Cell| {
        if number > 0 { style(number.into()) } else { number.into() }
    };
    vec![
        ("looked at", report.looked_at.into()),
        ("credited", some(report.credited, good)),
        ("ended unpaid", report.ended.into()),
        ("refunds heard of", some(report.refunds, notable)),
        ("for no order of ours", some(report.foreign, bad)),
        ("refused", some(report.refused, bad)),
        ("unanswered", some(report.unanswered, bad)),
    ]
}
