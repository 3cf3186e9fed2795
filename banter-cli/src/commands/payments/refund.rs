//! `banter payments refund`: the coins go at once; Razorpay is asked for the money in the same breath.

use banter_core::money::Paise;
use banter_core::payments::administration::Listed;
use banter_core::payments::administration::giving_back::{Preview, Sent};
use banter_core::payments::state::Status;
use clap::Args;
use serde::Serialize;

use super::failure;
use crate::commands::{confirm, count};
use crate::exit::{ExitStatus, Failure};
use crate::printer::Printer;
use crate::settings::{Settings, name_target, with_banter};

#[derive(Debug, Args)]
pub(super) struct RefundArgs {
    /// Its id, its receipt's number, or Razorpay's name for it
    payment: String,
    /// A part of it; else all that has not gone back
    #[arg(long, value_name = "RUPEES")]
    amount: Option<Paise>,
    /// Why; kept with the refund
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    refund: &'a Listed,
    /// Coins that were spent already.
    owed: i32,
    /// Why Razorpay has not taken it yet.
    waits: Option<&'a str>,
}

pub(super) async fn refund(
    args: &RefundArgs,
    settings: &Settings,
    out: &Printer,
) -> Result<ExitStatus, Failure> {
    let config = settings.for_payments()?;
    name_target(&config, out)?;
    with_banter(config, async |banter| {
        let payments = banter.payments();
        let id = payments.find(args.payment.trim()).await.map_err(failure)?;
        let preview = payments.preview_refund(id, args.amount).await.map_err(failure)?;
        if args.yes {
            out.say(plan(&preview));
        } else {
            confirm(plan(&preview), "refund", "nothing goes back", out)?;
        }
        // What was agreed to, whatever became of the rest meanwhile.
        let refund = payments.refund(id, Some(preview.amount), &args.reason, None).await.map_err(failure)?;
        told(&payments.send_refund(refund).await.map_err(failure)?, &preview, out)
    })
    .await
}

fn plan(preview: &Preview) -> String {
    let Preview { transaction, amount, coins, owed } = preview;
    let item = transaction.item.as_deref().map(|item| format!(" (`{item}`)")).unwrap_or_default();
    let mut text =
        format!("this gives {amount} of {}{item} back to {}", transaction.amount, transaction.user);
    if transaction.refunded_amount > Paise(0) {
        text.push_str(&format!("; {} of it went back before", transaction.refunded_amount));
    }
    if *coins > 0 {
        text.push_str(&format!("\n{} go", count(u64::from(coins.unsigned_abs()), "coin")));
    }
    if *owed > 0 {
        text.push_str(&format!("; {owed} of them are spent already, and become owed"));
    }
    text
}

fn told(sent: &Sent, preview: &Preview, out: &Printer) -> Result<ExitStatus, Failure> {
    let Sent { refund, waits } = sent;
    if out.is_json() {
        out.json(&Report { refund, owed: preview.owed, waits: waits.as_deref() });
    }
    let theirs = refund.razorpay_refund_id.as_deref().unwrap_or("no id yet");
    match (refund.status, waits) {
        (Status::Failed, _) => {
            let why = refund.failure_reason.as_deref().unwrap_or("it does not say why");
            let failure = Failure::user(format!("Razorpay refuses the refund: {why}"))
                .hint("the coins are back; nothing was given back");
            // The report is the one document on stdout.
            if out.is_json() { Ok(ExitStatus::UserError) } else { Err(failure) }
        }
        (_, Some(_)) => {
            out.say(format_args!(
                "queued: the coins are gone, and Razorpay does not answer; the server's workers ask again\n\
                 `banter payments show {}` says what became of it",
                refund.id
            ));
            Ok(ExitStatus::Done)
        }
        (Status::Success, None) => {
            out.say(format_args!("{} went back ({theirs})", refund.amount));
            Ok(ExitStatus::Done)
        }
        (Status::Pending | Status::Abandoned | Status::PartiallyRefunded | Status::Refunded, None) => {
            out.say(format_args!(
                "Razorpay took it ({theirs}): {} is on its way; a webhook tells when it arrived",
                refund.amount
            ));
            Ok(ExitStatus::Done)
        }
    }
}
